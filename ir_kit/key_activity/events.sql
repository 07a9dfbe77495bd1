-- Which calls did reached credentials make in the window?
-- Grain: one row per event; empty if none.
-- Cannot see: requests that only access logs hold; data events where they were off (coverage says where).
select e.event_time, e.event_id, e.access_key_id, e.event_source, e.event_name, e.aws_region, e.source_ip_address, e.user_agent, e.error_code,
       e.bucket, e.key, h.session_id, e.source_file, e.record_number
from events e
     join compromised_credentials r on r.access_key_id = e.access_key_id
     left join session_hours h
         on h.access_key_id = e.access_key_id and h.source_ip_address = coalesce(e.source_ip_address, '')
        and h.user_agent = coalesce(e.user_agent, '') and h.hour = date_trunc('hour', e.event_time)
        and e.event_time >= h.start_time and e.event_time < h.end_time
where e.event_time >= :window_start and e.event_time < :window_end
order by e.event_time, e.event_id, e.source_file, e.record_number
