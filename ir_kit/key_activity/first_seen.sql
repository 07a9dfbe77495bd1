-- Which addresses, user agents, calls, Regions and buckets did a reached credential use in the window that its principal never used in the baseline?
-- Grain: one row per credential, kind and value; empty if none, and where there is no baseline.
-- Cannot see: requests that only access logs hold; data events where they were off (coverage says where).
with used as (
    select e.access_key_id, case when e.session_issuer_type = 'Role' then e.session_issuer_arn else e.user_identity_arn end as principal,
           e.source_ip_address, e.user_agent, e.event_name, e.aws_region, e.bucket, e.event_time, e.error_code
    from events e
    where (e.event_time >= :window_start and e.event_time < :window_end or e.event_time >= :baseline_start and e.event_time < :baseline_end)
      and (e.access_key_id in (select access_key_id from reached_credentials)
           or e.user_identity_arn in (select principal from reached_credentials)
           or e.session_issuer_arn in (select principal from reached_credentials))
),
valued as (
    select access_key_id, principal, 'source_ip_address' as kind, source_ip_address as value, event_time, error_code from used
    union all
    select access_key_id, principal, 'user_agent' as kind, user_agent as value, event_time, error_code from used
    union all
    select access_key_id, principal, 'event_name' as kind, event_name as value, event_time, error_code from used
    union all
    select access_key_id, principal, 'aws_region' as kind, aws_region as value, event_time, error_code from used
    union all
    select access_key_id, principal, 'bucket' as kind, bucket as value, event_time, error_code from used
),
earlier as (
    select distinct principal, kind, value from valued where event_time < :baseline_end
),
later as (
    select v.access_key_id, r.principal, v.kind, v.value, min(v.event_time) as first_time, max(v.event_time) as last_time,
           count(*) as event_count, count(v.error_code) as error_count
    from valued v join reached_credentials r on r.access_key_id = v.access_key_id
    where v.event_time >= :window_start and v.value is not null
    group by v.access_key_id, r.principal, v.kind, v.value
)
select n.access_key_id, n.kind, n.value, n.first_time, n.last_time, n.event_count, n.error_count
from later n
where not exists (select 1 from earlier b where b.principal = n.principal and b.kind = n.kind and b.value = n.value)
  and exists (select 1 from events e where e.event_time >= :baseline_start and e.event_time < :baseline_end)
order by n.first_time, n.access_key_id, n.kind, n.value
