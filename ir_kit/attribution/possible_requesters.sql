-- How do access logs name these principals: by ARN, users whatever their path, root by the account's canonical id?
-- Grain: one row per requester.
-- Cannot see: a root whose canonical id neither owns a logged bucket nor stands in a request that both logs hold.
with principals as (select distinct principal_arn from possible_principals),
listed as (
    select distinct requester
    from access_log_lines
    where requester is not null and requester not in (select principal_arn from principals)
),
learned as (
    select l.requester, max(e.user_identity_arn) as principal_arn
    from access_log_lines l
    join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
    where l.requester not like 'arn:%' and e.event_source = 's3.amazonaws.com' and e.user_identity_arn in (select principal_arn from principals)
    group by l.requester
)
select principal_arn as requester, principal_arn from principals
union all
select requester, max(principal_arn)
from listed join principals on user_name(requester) = user_name(principal_arn) and account_of_arn(requester) = account_of_arn(principal_arn)
group by requester
union all
select l.requester, coalesce(n.principal_arn, r.principal_arn)
from listed l
cross join (select min(principal_arn) as principal_arn from principals where principal_arn like '%:root') r
left join learned n using (requester)
where r.principal_arn is not null and regexp_full_match(l.requester, '[0-9a-f]{64}')
  and (n.requester is not null or l.requester in (select bucket_owner from access_log_lines where bucket_owner is not null))
order by requester
