-- How many events does the evidence hold of the baseline, whoever they are of, and on how many days?
-- Grain: one row.
-- Cannot see: why there are none, where there are none.
select count(*) as event_count, count(distinct cast(event_time as date)) as days
from events
where event_time >= :baseline_start and event_time < :baseline_end
