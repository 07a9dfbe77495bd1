-- Which credentials were used directly from these addresses, with which user agents, before and in the window?
-- Grain: one row per credential, address and user agent, from the baseline's start to the window's end; empty if none.
-- Cannot see: requests that only access logs hold, and credentials of other accounts.
select access_key_id, source_ip_address, user_agent,
       min(event_time) as first_time, max(event_time) as last_time, count(*) as event_count,
       count(*) filter (where event_time >= :window_start) as window_count,
       min(case when event_time >= :window_start then event_time end) as window_first_time
from events
where event_time >= :baseline_start and event_time < :window_end
  and access_key_id is not null and invoked_by is null
  and source_ip_address in (:addresses)
group by access_key_id, source_ip_address, user_agent
order by access_key_id, source_ip_address, user_agent
