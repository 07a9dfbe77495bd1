-- Which calls did these groups of places make on which day, by which log?
-- Grain: one row per group, log, day and act; empty if none.
-- Cannot see: calls that neither log holds.
select g.group_id, u.seen_in, date_trunc('day', u.hour) as day, u.act, cast(sum(u.event_count) as bigint) as event_count
from uses u
join place_groups g
    on g.lineage_id = u.lineage_id and g.period = u.period
   and g.source_ip_address = coalesce(u.source_ip_address, '') and g.user_agent = coalesce(u.user_agent, '')
group by g.group_id, u.seen_in, date_trunc('day', u.hour), u.act
order by g.group_id, u.seen_in, day, u.act
