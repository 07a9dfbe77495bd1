-- Which calls, Regions, buckets, prefixes and handshakes did these groups of sources show?
-- Grain: one row per group, kind and value; empty if none.
select g.group_id, v.kind, v.value, cast(sum(v.event_count) as bigint) as event_count, min(v.first_day) as first_day
from source_values v join source_groups g using (lineage_id, period, source_ip_address, client)
group by all
order by g.group_id, v.kind, v.value
