-- For how many hours of the window did which log cover each bucket in scope?
-- Grain: one row per bucket; blind: neither log, alone: the access log, partly: selectors left out a part of the class, and no access log had it.
-- Cannot see: what lay in the hours that no log covered.
with scope as (
    select unnest(cast([:buckets] as varchar[])) as bucket
    union
    select bucket from visible where cast([:buckets] as varchar[])[1] is null
),
timed as (select *, (epoch_us(end_time) - epoch_us(start_time)) / 3.6e9 as hours from log_spans)
select b.bucket,
       case when count(t.bucket) = 0 then (epoch_us(cast(:window_end as timestamp)) - epoch_us(cast(:window_start as timestamp))) / 3.6e9
            else coalesce(sum(t.hours) filter (t.kind = 'blind'), 0) end as blind_hours,
       coalesce(sum(t.hours) filter (t.kind = 'alone'), 0) as alone_hours, coalesce(sum(t.hours) filter (t.kind = 'uncertain'), 0) as uncertain_hours,
       coalesce(sum(t.hours) filter (t.data_state = 'partly' and t.log_state in ('not_logged', 'lost', 'unknown')), 0) as partly_hours,
       coalesce(min(t.start_time) filter (t.kind = 'blind'), :window_start) as blind_start,
       coalesce(max(t.end_time) filter (t.kind = 'blind'), :window_end) as blind_end
from scope b
left join timed t using (bucket)
where b.bucket is not null
group by b.bucket
order by b.bucket
