-- When does the evidence end: the last record that is held of either log, and the last answer that was collected?
-- Grain: one row; null where there is none.
-- Cannot see: whether one source was gathered for a shorter time than another.
select max(record_time) as last_record, max(answer_time) as last_answer
from (
    select max(event_time) as record_time, cast(null as timestamp) as answer_time from events
    union all
    select max(event_time), cast(null as timestamp) from access_log_lines
    union all
    select cast(null as timestamp), max(collected_at) from settings
) ends
