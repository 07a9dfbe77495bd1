-- Which addresses, user agents, calls, Regions and buckets did a compromised credential use in the window that its principal never used in the baseline?
-- Grain: one row per credential, kind and value; empty if none, and where there is no baseline.
-- Cannot see: requests that only access logs hold; data events where they were off (coverage says where).
with used as (
    select access_key_id, case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal,
           source_ip_address, user_agent, event_name, aws_region, bucket, event_time, error_code
    from events
    where event_time >= :baseline_start and event_time < :window_end
      and (access_key_id in (select access_key_id from compromised_credentials) or user_identity_arn in (select principal from compromised_credentials)
           or session_issuer_arn in (select principal from compromised_credentials))
),
valued as (
    select * from used unpivot (value for kind in (source_ip_address, user_agent, event_name, aws_region, bucket))
)
select v.access_key_id, v.kind, v.value, min(v.event_time) as first_time, max(v.event_time) as last_time, count(*) as event_count,
       count(v.error_code) as error_count
from valued v
join compromised_credentials r on r.access_key_id = v.access_key_id
anti join (from valued where event_time < :baseline_end) b on b.principal = r.principal and b.kind = v.kind and b.value = v.value
where v.event_time >= :window_start
  and exists (select 1 from events e where e.event_time >= :baseline_start and e.event_time < :baseline_end)
group by v.access_key_id, v.kind, v.value
order by first_time, v.access_key_id, v.kind, v.value
