-- As whom, how often and when do the events of baseline and window show each incident key?
-- Grain: one row per incident key and principal that any event names; empty if none.
-- Cannot see: requests that only access logs hold.
select access_key_id, user_identity_arn, user_identity_account_id, user_identity_user_name,
       min(event_time) as first_event_time, max(event_time) as last_event_time,
       count(*) filter (where event_time >= :window_start) as event_count,
       count(*) filter (where event_time < :baseline_end) as baseline_event_count
from events
where access_key_id in (:access_keys) and event_time >= :baseline_start and event_time < :window_end
  and (event_time >= :window_start or event_time < :baseline_end)
group by access_key_id, user_identity_arn, user_identity_account_id, user_identity_user_name
order by access_key_id, event_count desc, baseline_event_count desc, user_identity_arn
