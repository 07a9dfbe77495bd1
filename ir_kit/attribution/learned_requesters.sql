-- Which principals stand behind requesters that are no ARN, by requests that both logs hold?
-- Grain: one row per requester and principal.
-- Cannot see: requesters whose requests were in no data event.
select l.requester, e.user_identity_arn as principal_arn, count(*) as requests
from access_log_lines l
join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
where l.requester not like 'arn:%' and e.user_identity_arn is not null and e.event_source = 's3.amazonaws.com'
group by l.requester, e.user_identity_arn
order by l.requester, e.user_identity_arn
