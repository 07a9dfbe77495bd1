-- Which account stands behind each canonical id that access logs name as requester, by requests that both logs hold?
-- Grain: one row per canonical id, with the account that most of its requests name.
-- Cannot see: callers whose requests were in no data event.
select canonical_id, arg_max(account_id, (requests, account_id)) as account_id
from (
    select l.requester as canonical_id, e.user_identity_account_id as account_id, count(*) as requests
    from access_log_lines l
    join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
    where l.requester not like 'arn:%' and l.requester not like 'svc:%' and e.user_identity_account_id is not null
      and e.event_source in ('s3.amazonaws.com', 's3express.amazonaws.com')
    group by all
) a
group by canonical_id
order by canonical_id
