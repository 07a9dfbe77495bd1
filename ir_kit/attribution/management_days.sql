-- On which days do we hold management events at all?
-- Grain: one row per day.
-- Cannot see: how many there should be.
select date_trunc('day', event_time) as day, count(*) as events
from events
where record_class = 'management'
group by date_trunc('day', event_time)
order by day
