-- Which accounts, Regions, services and buckets did compromised credentials touch in the window?
-- Grain: one row per kind and name; denied attempts count as touched, and are counted apart; empty if none.
-- Cannot see: data events where they were off, and what other accounts logged of the calls.
with touched as (
    select access_key_id, event_time, outcome(error_code) = 'denied' as denied, event_time >= :window_start as in_window,
           unnest(['account', 'region', 'service', 'bucket']) as kind,
           unnest([recipient_account_id, aws_region, event_source, bucket]) as name
    from events semi join compromised_credentials using (access_key_id)
    where (event_time >= :window_start and event_time < :window_end) or (event_time >= :baseline_start and event_time < :baseline_end)
)
select kind, name, count(distinct access_key_id) filter (in_window) as access_keys,
       min(event_time) filter (in_window) as first_time, max(event_time) filter (in_window) as last_time,
       count(*) filter (in_window) as event_count, count(*) filter (in_window and denied) as denied_count,
       count(*) filter (not in_window) as baseline_event_count
from touched
where name is not null
group by kind, name
having count(*) filter (in_window) > 0
order by kind, event_count desc, name
