-- Which addresses and user agents of the requests between match_start and match_end did the same principals use in the baseline?
-- Grain: one row per principal, kind and value; the principal is null for pre-signed requests of another.
-- Cannot see: an intruder who was there in the baseline already; what the owner used first in the window.
with names as (
    select distinct p.principal_arn, unnest([p.principal_arn] || string_split(coalesce(r.lineage, ''), chr(10))) as name
    from possible_principals p left join compromised_credentials r using (access_key_id)
),
used as (
    select 'baseline' as period, case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal,
           source_ip_address, user_agent
    from events
    where event_time >= :baseline_start and event_time < :baseline_end
      and (user_identity_arn in (select name from names) or session_issuer_arn in (select name from names) or access_key_id in (:access_keys))
    union
    select 'match', user_identity_arn, source_ip_address, user_agent
    from events
    where access_key_id in (select access_key_id from compromised_credentials) and event_time >= :match_start and event_time < :match_end
    union
    select unnest([case when l.event_time >= :baseline_start and l.event_time < :baseline_end then 'baseline' end,
                   case when l.event_time >= :match_start and l.event_time < :match_end then 'match' end]),
           q.principal_arn, l.remote_ip, l.user_agent
    from access_log_lines l join possible_requesters q on q.requester = l.requester
),
valued as (
    select distinct period, principal, kind, value, if(kind = 'user_agent', client_of(value), value) as compared,
           regexp_extract(principal, '^arn:[^:]*:(?:iam|sts):[^:]*:([^:]*:)(?:role/(?:.*/)?|assumed-role/)([^/]+)', ['account', 'role']) as role
    from used unpivot (value for kind in (source_ip_address, user_agent))
),
owners as (
    select n.principal_arn as principal, b.kind, b.compared
    from names n join valued b on b.period = 'baseline' and b.principal = n.name
    union
    select m.principal, b.kind, b.compared
    from valued m join valued b on b.period = 'baseline' and m.period = 'match' and b.role = m.role and b.role.role <> ''
    where m.principal in (select principal_arn from names)
)
select v.principal as principal_arn, v.kind, v.value, o.compared is not null as is_owners,
       exists (from valued where period = 'baseline') as has_baseline
from valued v left join owners o using (principal, kind, compared)
where v.period = 'match'
order by all
