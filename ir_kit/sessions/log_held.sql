-- How many lines does the evidence hold of access logs, from the baseline to the window's end?
-- Grain: one row.
-- Cannot see: whose they are.
select count(*) as line_count
from access_log_lines
where event_time >= :baseline_start and event_time < :window_end
