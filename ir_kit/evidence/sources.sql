-- Which files is the evidence, with which hashes, and how much did each give?
-- Grain: one row per source file that was read; files that are no logs are left out (their number stands in run.json).
-- Cannot see: files that were never delivered or collected.
select kind, path, bytes, sha256, records, duplicates, rejected, damaged, present, first_time, last_time
from sources
where state = 'read'
order by kind, path, rank
