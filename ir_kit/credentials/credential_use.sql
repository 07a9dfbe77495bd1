-- As whom, and when in the window, were these credentials used?
-- Grain: one row per credential and principal that any event names; empty if none.
-- Cannot see: requests that only access logs hold.
select access_key_id, user_identity_type, user_identity_arn, user_identity_account_id, user_identity_user_name,
       session_issuer_type, session_issuer_arn,
       min(session_creation_date) as session_creation_date,
       min(event_time) as first_event_time,
       count(*) filter (where event_time >= :window_start and event_time < :window_end) as event_count,
       min(case when event_time >= :window_start and event_time < :window_end then event_time end) as first_used,
       max(case when event_time >= :window_start and event_time < :window_end then event_time end) as last_used
from events
where access_key_id in (:keys)
group by access_key_id, user_identity_type, user_identity_arn, user_identity_account_id, user_identity_user_name,
         session_issuer_type, session_issuer_arn
order by access_key_id, event_count desc, user_identity_arn
