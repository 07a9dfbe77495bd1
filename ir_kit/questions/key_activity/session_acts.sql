-- Which calls were made in each session, in which Regions and on which buckets?
-- Grain: one row per session, kind and value; empty if none.
-- Cannot see: requests that only access logs hold.
with used as (
    select e.access_key_id, e.source_ip_address, e.user_agent, e.event_time, e.event_source, e.event_name, e.aws_region, e.bucket,
           case when e.event_time < lag(e.event_time) over (
                    partition by e.access_key_id, e.source_ip_address, e.user_agent order by e.event_time) + interval '30' minute
                then 0 else 1 end as begins
    from events e join reached_credentials r on r.access_key_id = e.access_key_id
    where e.event_time >= :window_start and e.event_time < :window_end
),
numbered as (
    select access_key_id, source_ip_address, user_agent, event_source, event_name, aws_region, bucket,
           sum(begins) over (partition by access_key_id, source_ip_address, user_agent order by event_time) as number
    from used
),
acts as (
    select access_key_id, source_ip_address, user_agent, number, 'event_name' as kind, event_source || ' ' || event_name as value from numbered
    union all
    select access_key_id, source_ip_address, user_agent, number, 'aws_region' as kind, aws_region as value from numbered
    union all
    select access_key_id, source_ip_address, user_agent, number, 'bucket' as kind, bucket as value from numbered
)
select access_key_id, source_ip_address, user_agent, cast(number as bigint) as number, kind, value, count(*) as event_count
from acts
where value is not null
group by access_key_id, source_ip_address, user_agent, number, kind, value
order by access_key_id, source_ip_address, user_agent, number, kind, value
