-- Which credential issued each of these, whenever that was?
-- Grain: one row per issued credential and issuing one; the issuing one is null where the evidence names none.
-- Cannot see: issuing calls that are not in the evidence.
select issued_access_key_id, access_key_id, min(event_time) as event_time
from events
where issued_access_key_id in (:keys)
group by issued_access_key_id, access_key_id
order by issued_access_key_id, event_time
