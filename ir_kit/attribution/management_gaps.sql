-- When were management events not, or not certainly, recorded in every Region that is known?
-- Grain: one row per stretch of time; they may overlap. Before the window, a day without any such event is one.
-- Cannot see: events that are missing from a day that has others, before the window.
with days as (select distinct date_trunc('day', event_time) as day from events where record_class = 'management'),
states as (select start_time, end_time, state from visible where record_class = 'management' and bucket is null)
select start_time, end_time from states where state <> 'logged'
union all
select timestamp '2006-03-14', min(day) from days having count(*) > 0
union all
select d.day, d.day + interval 1 day
from (select unnest(generate_series(min(day), cast(:window_start as timestamp) - interval 1 microsecond, interval 1 day)) as day from days) d
anti join days using (day)
union all
select timestamp '2006-03-14', timestamp '2200-01-01' where not exists (from states) or not exists (from days)
order by start_time, end_time
