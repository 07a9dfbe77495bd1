-- For how many hours of the window was each bucket blind, in each class?
-- Grain: one row per bucket (or Region, with a null bucket) and class; blind hours are those `not_logged`, `lost` or `unknown`.
-- Cannot see: buckets that neither configuration nor a log names.
select bucket, aws_region, record_class, sum(if(state in ('not_logged', 'lost', 'unknown'), hours, 0)) as blind_hours,
       sum(if(state = 'not_logged', hours, 0)) as not_logged_hours, sum(if(state = 'lost', hours, 0)) as lost_hours,
       sum(if(state = 'unknown', hours, 0)) as unknown_hours, sum(if(state = 'uncertain', hours, 0)) as uncertain_hours,
       sum(if(state = 'logged', hours, 0)) as logged_hours
from (select *, (epoch_us(end_time) - epoch_us(start_time)) / 3.6e9 as hours from visibility)
group by bucket, aws_region, record_class
order by bucket nulls first, aws_region, list_position(['management', 'data_read', 'data_write', 'server_access_log'], record_class)
