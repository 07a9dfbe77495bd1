-- Which calls did these groups of sources make on which day, by which log?
-- Grain: one row per group, log, day and call; empty if none.
select g.group_id, u.seen_in, cast(u.hour as date) - date '1970-01-01' as day, u.call, cast(sum(u.event_count) as bigint) as event_count
from uses u join source_groups g using (lineage_id, period, source_ip_address, client)
group by all
order by g.group_id, u.seen_in, day, u.call
