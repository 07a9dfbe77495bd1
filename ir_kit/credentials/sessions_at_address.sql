-- Which temporary credentials of a user, or of a session, of this name were used directly from this address?
-- Grain: one row per credential; empty if none.
-- Cannot see: requests that only access logs hold.
select access_key_id, min(event_time) as first_time, max(event_time) as last_time
from events
where event_time >= :window_start and event_time < :window_end
  and access_key_id is not null and invoked_by is null and session_creation_date is not null
  and source_ip_address = :source_ip_address
  and regexp_replace(user_identity_arn, '^.*/', '') = :principal_name
group by access_key_id
order by access_key_id
