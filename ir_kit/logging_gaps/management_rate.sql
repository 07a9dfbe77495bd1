-- How many management events does the account make in a day, in the mean and on the busiest day?
-- Grain: one row; null where the window has none.
-- Cannot see: Regions and hours that no trail recorded.
select avg(events) as per_day_low, max(events) as per_day_high
from (select count(*) as events
      from events
      where record_class = 'management' and event_time >= :window_start and event_time < :window_end
      group by cast(event_time as date)) days
