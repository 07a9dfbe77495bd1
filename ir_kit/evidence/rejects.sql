-- What could not be read, where does it lie, and why?
-- Grain: one row per thing that could not be read; number 0 is the file as a whole; empty if none.
-- Cannot see: what was lost before the evidence was collected.
select source_file, kind, number, reason, bytes, content
from rejects
order by kind, source_file, number, reason
