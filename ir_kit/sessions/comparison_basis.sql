-- How much does the evidence hold to compare with: events of the baseline, whoever they are of, and their days?
-- Grain: one row.
-- Cannot see: why there are none, where there are none.
select count(*) as event_count, count(distinct cast(event_time as date)) as days
from events
where event_time >= :baseline_start and event_time < :baseline_end
