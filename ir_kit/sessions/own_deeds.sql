-- How many of the calls, Regions and buckets of each place in the window are none that the owner's places show?
-- Grain: one row per lineage, address, agent and kind of which any value is foreign; empty if none.
-- Cannot see: calls that neither log holds.
with valued as (
    select lineage_id, period, source_ip_address, user_agent, 'event_name' as kind, act as value, event_count from uses
    union all
    select lineage_id, period, source_ip_address, user_agent, 'aws_region' as kind, aws_region as value, event_count from uses
    union all
    select lineage_id, period, source_ip_address, user_agent, 'bucket' as kind, bucket as value, event_count from uses
),
summed as (
    select lineage_id, period, source_ip_address, user_agent, kind, value, sum(event_count) as event_count
    from valued
    where value is not null
    group by lineage_id, period, source_ip_address, user_agent, kind, value
),
owners as (
    select distinct s.lineage_id, s.kind, s.value
    from summed s
    join owner_places o
        on o.lineage_id = s.lineage_id and o.period = s.period
       and o.source_ip_address = coalesce(s.source_ip_address, '') and o.user_agent = coalesce(s.user_agent, '')
)
select s.lineage_id, s.source_ip_address, s.user_agent, s.kind, count(*) as value_count,
       count(*) filter (where o.value is null) as foreign_count, cast(sum(s.event_count) as bigint) as event_count,
       cast(sum(case when o.value is null then s.event_count else 0 end) as bigint) as foreign_event_count
from summed s
left join owners o on o.lineage_id = s.lineage_id and o.kind = s.kind and o.value = s.value
where s.period = 'window'
group by s.lineage_id, s.source_ip_address, s.user_agent, s.kind
having count(*) filter (where o.value is null) > 0
order by s.lineage_id, s.source_ip_address, s.user_agent, s.kind
