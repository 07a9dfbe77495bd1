-- When were credentials of these principals used directly, hour by hour?
-- Grain: one row per credential and hour of the window; empty if none.
-- Cannot see: requests that only access logs hold.
select access_key_id, user_identity_arn, min(session_creation_date) as session_creation_date, min(event_time) as first_time, max(event_time) as last_time, count(*) as event_count
from events
where event_time >= :window_start and event_time < :window_end
  and access_key_id is not null and invoked_by is null
  and user_identity_arn in (:principal_arns)
group by access_key_id, user_identity_arn, date_trunc('hour', event_time)
order by first_time, access_key_id
