-- In which hours was any CloudTrail record of a Region delivered?
-- Grain: one row per Region and hour with at least one record, all evidence and not the window alone; empty if none.
-- Cannot see: whether an hour without records was quiet or its files are missing.
select aws_region, date_trunc('hour', event_time) as hour, count(*) as records, min(event_time) as first_time, max(event_time) as last_time
from events
where record_class in ('management', 'data_read', 'data_write')
group by aws_region, date_trunc('hour', event_time)
order by aws_region, hour
