-- What did reached credentials do in the window, hour by hour?
-- Grain: one row per hour, credential, service and call; empty if none.
-- Cannot see: requests that only access logs hold; data events where they were off (coverage says where).
select date_trunc('hour', e.event_time) as hour, e.access_key_id, e.event_source, e.event_name, e.record_class, count(*) as event_count,
       count(e.error_code) as error_count, min(e.event_time) as first_time, max(e.event_time) as last_time
from events e join compromised_credentials r on r.access_key_id = e.access_key_id
where e.event_time >= :window_start and e.event_time < :window_end
group by date_trunc('hour', e.event_time), e.access_key_id, e.event_source, e.event_name, e.record_class
order by hour, e.access_key_id, e.event_source, e.event_name, e.record_class
