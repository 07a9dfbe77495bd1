-- Which accounts stand behind the canonical ids that access logs name as requesters, by requests that both logs hold?
-- Grain: one row per canonical id and account, with how many requests say so.
-- Cannot see: callers whose requests were in no data event.
select l.requester as canonical_id, e.user_identity_account_id as account_id, count(*) as requests
from access_log_lines l
join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
where l.requester not like 'arn:%' and l.requester not like 'svc:%' and e.user_identity_account_id is not null
  and e.event_source in ('s3.amazonaws.com', 's3express.amazonaws.com')
group by l.requester, e.user_identity_account_id
order by canonical_id, requests desc, account_id
