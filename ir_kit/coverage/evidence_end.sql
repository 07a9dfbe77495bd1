-- When does the evidence end? With the last answer that was collected, or, where a record is later, with the day of the last record:
-- logs are laid out and gathered by day, and a quiet evening is no gap.
-- Grain: one row; null where there is no evidence.
-- Cannot see: whether one source was gathered for a shorter time than another.
select case when last_answer >= last_record or last_record is null then last_answer
            else date_trunc('day', last_record) + interval '1' day end as evidence_end
from (select greatest((select max(event_time) from events), (select max(event_time) from access_log_lines)) as last_record,
             (select max(collected_at) from settings) as last_answer)
