-- For how many hours of the window was each bucket blind, in each class?
-- Grain: one row per bucket (or Region, with a null bucket) and class; blind hours are those `not_logged`, `lost` or `unknown`.
-- Cannot see: buckets that neither configuration nor a log names.
with stretches as (
    select bucket, aws_region, record_class, state, (epoch_us(end_time) - epoch_us(start_time)) / 3.6e9 as hours from visibility
)
select bucket, aws_region, record_class,
       coalesce(sum(hours) filter (where state in ('not_logged', 'lost', 'unknown')), 0) as blind_hours,
       coalesce(sum(hours) filter (where state = 'not_logged'), 0) as not_logged_hours,
       coalesce(sum(hours) filter (where state = 'lost'), 0) as lost_hours,
       coalesce(sum(hours) filter (where state = 'unknown'), 0) as unknown_hours,
       coalesce(sum(hours) filter (where state = 'uncertain'), 0) as uncertain_hours,
       coalesce(sum(hours) filter (where state = 'logged'), 0) as logged_hours
from stretches
group by bucket, aws_region, record_class
order by bucket nulls first, aws_region, list_position(['management', 'data_read', 'data_write', 'server_access_log'], record_class)
