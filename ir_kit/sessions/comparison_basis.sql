-- How much does the evidence hold to compare with: events of the baseline, whoever they are of, their days, and lines of access logs?
-- Grain: one row.
-- Cannot see: why there are none, where there are none.
select count(*) as event_count, count(distinct cast(event_time as date)) as days,
       (select count(*) from access_log_lines where event_time >= :baseline_start and event_time < :window_end) as line_count
from events
where event_time >= :baseline_start and event_time < :baseline_end
