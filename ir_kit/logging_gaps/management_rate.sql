-- How many management events does the account make in a day?
-- Grain: one row per day of the window that has any; empty if none.
-- Cannot see: Regions and hours that no trail recorded.
select cast(event_time as date) as day, count(*) as events
from events
where record_class = 'management' and event_time >= :window_start and event_time < :window_end
group by cast(event_time as date)
order by day
