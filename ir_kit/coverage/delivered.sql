-- Which records were delivered between two changes of the trails, where did their files lie, and of which class and bucket are they?
-- Grain: one row per folder above AWSLogs (or null), Region, class, bucket (null for management events) and interval; empty if none.
-- Cannot see: records that were delivered to buckets whose files are not held.
select case when strpos(s.path, 'AWSLogs/') > 0 then concat(s.source, '/', substr(s.path, 1, strpos(s.path, 'AWSLogs/') - 1))
            when strpos(s.location, 'AWSLogs/') > 0 then substr(s.location, 1, strpos(s.location, 'AWSLogs/') - 1) end as stem,
       e.aws_region, e.record_class, case when e.record_class <> 'management' then e.bucket end as bucket, c.cut, count(*) as records,
       min(e.event_time) as first_time, max(e.event_time) as last_time, min(e.key) as first_key, max(e.key) as last_key,
       count(*) filter (where e.read_only) as reads
from events_all e
join sources s on s.source_id = e.source_id
join visibility_cuts c on e.event_time >= c.start_time and e.event_time < c.end_time
where e.record_class in ('management', 'data_read', 'data_write')
group by all
order by 1, 2, 3, 4, 5
