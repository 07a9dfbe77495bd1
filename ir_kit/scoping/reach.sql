-- Which accounts, Regions, services and buckets did compromised credentials touch in the window?
-- Grain: one row per kind and name; denied attempts count as touched, and are counted apart; empty if none.
-- Cannot see: data events where they were off, and what other accounts logged of the calls.
with used as (
    select e.access_key_id, e.event_time, e.event_source, e.aws_region, e.bucket, e.recipient_account_id,
           e.event_time >= :window_start as in_window,
           outcome(e.error_code) = 'denied' as denied
    from events e join compromised_credentials r on r.access_key_id = e.access_key_id
    where (e.event_time >= :window_start and e.event_time < :window_end)
       or (e.event_time >= :baseline_start and e.event_time < :baseline_end)
),
touched as (
    select 'account' as kind, recipient_account_id as name, access_key_id, event_time, in_window, denied from used
    union all
    select 'region' as kind, aws_region as name, access_key_id, event_time, in_window, denied from used
    union all
    select 'service' as kind, event_source as name, access_key_id, event_time, in_window, denied from used
    union all
    select 'bucket' as kind, bucket as name, access_key_id, event_time, in_window, denied from used
)
select kind, name, count(distinct case when in_window then access_key_id end) as access_keys,
       min(case when in_window then event_time end) as first_time, max(case when in_window then event_time end) as last_time,
       count(*) filter (where in_window) as event_count, count(*) filter (where in_window and denied) as denied_count,
       count(*) filter (where not in_window) as baseline_event_count
from touched
where name is not null
group by kind, name
having count(*) filter (where in_window) > 0
order by kind, event_count desc, name
