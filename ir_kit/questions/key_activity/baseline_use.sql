-- From where, with what and for what were these principals used in the baseline, by whichever of their credentials?
-- Grain: one row per principal (a user, or the role behind sessions), kind and value; empty if none.
-- Cannot see: requests that only access logs hold.
with used as (
    select case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal,
           source_ip_address, user_agent, event_source || ' ' || event_name as act, aws_region, bucket, event_time
    from events
    where event_time >= :baseline_start and event_time < :baseline_end
      and (user_identity_arn in (:principals) or session_issuer_arn in (:principals) or access_key_id in (:access_keys))
),
valued as (
    select principal, 'source_ip_address' as kind, source_ip_address as value, event_time from used
    union all
    select principal, 'user_agent' as kind, user_agent as value, event_time from used
    union all
    select principal, 'event_name' as kind, act as value, event_time from used
    union all
    select principal, 'aws_region' as kind, aws_region as value, event_time from used
    union all
    select principal, 'bucket' as kind, bucket as value, event_time from used
)
select principal, kind, value, count(*) as event_count, count(distinct cast(event_time as date)) as days
from valued
where value is not null
group by principal, kind, value
order by principal, kind, value
