-- What was done from these groups of sources: which values did they show, and which calls did they make on which day, by which log?
-- Grain: one row per group, kind and value, with its first day; then (kind is null) per group, log, day and call; empty if none.
select g.group_id, cast(null as varchar) as seen_in, v.kind, v.value, min(v.first_day) as day, cast(sum(v.event_count) as bigint) as event_count
from source_values v join source_groups g using (source_id)
group by all
union all
select g.group_id, u.seen_in, null, u.call, cast(u.hour as date) - date '1970-01-01' as day, cast(sum(u.event_count) as bigint)
from uses u join source_groups g using (source_id)
group by all
order by all
