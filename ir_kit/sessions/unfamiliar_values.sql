-- How many of the calls, Regions and buckets of each source in the window are none that the owner's sources show?
-- Grain: one row per source, user agent and kind of which any value is not the owner's; empty if none.
-- Cannot see: calls that neither log holds.
select v.source_id, v.kind, count(*) as value_count, count(*) filter (o.value is null) as unfamiliar_count,
       cast(sum(v.event_count) as bigint) as event_count, cast(sum(case when o.value is null then v.event_count else 0 end) as bigint) as unfamiliar_events
from source_values v
left join (select distinct lineage_id, kind, value from source_values join owner_sources using (source_id)) o using (lineage_id, kind, value)
where v.period = 'window' and v.kind in ('event_name', 'aws_region', 'bucket')
group by v.source_id, v.user_agent, v.kind
having count(*) filter (o.value is null) > 0
order by v.source_id, v.user_agent, v.kind
