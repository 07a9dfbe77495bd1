-- In which files, and at which place there, are these events and requests recorded?
-- Grain: one row per CloudTrail record or access-log line that carries one of the ids; a request id repeats within a batch delete and a copy.
-- Cannot see: what no log recorded, and records that were dropped as copies.
select 'cloudtrail' as kind, source_file, record_number as number, event_time, event_name, event_id, request_id
from events
where event_id in (:event_ids) or request_id in (:request_ids)
union all
select 'access_log' as kind, source_file, line_number as number, event_time, operation as event_name,
       cast(null as varchar) as event_id, request_id
from access_log_lines
where request_id in (:request_ids)
order by kind desc, event_time, source_file, number
