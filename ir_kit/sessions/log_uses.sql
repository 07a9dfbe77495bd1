-- What do access logs alone show: the owner's principals in the baseline, reached credentials (grades A to C) in the window?
-- Grain: one row per request; of the baseline one per line, whether CloudTrail holds it too or not.
-- Cannot see: which credential a line of the baseline was signed with; requests whose credential could not be settled (D).
select 'baseline' as period, q.principal_arn as principal, cast(null as varchar) as access_key_id, l.event_time,
       l.remote_ip as source_ip_address, l.user_agent, o.event_name, l.bucket, l.key, cast(null as varchar) as prefix, l.bytes_sent,
       l.error_code, l.http_status
from access_log_lines l
join possible_requesters q on q.requester = l.requester
join operation_names o on o.operation = l.operation
where l.event_time >= :baseline_start and l.event_time < :baseline_end and o.half <> 'batch'
union all
select 'window' as period, coalesce(g.user_identity_arn, g.requester_principal_arn, g.requester) as principal, g.access_key_id, g.event_time,
       g.source_ip_address, g.user_agent, g.event_name, g.bucket, g.key, g.prefix, g.bytes_sent, g.error_code, g.http_status
from graded_requests g
where g.in_access_log and not g.in_cloudtrail and g.access_key_id is not null and g.source_ip_address is not null
