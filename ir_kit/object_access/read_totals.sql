-- How much of the objects read falls into each bound, bucket by bucket?
-- Grain: one row per bucket in which an object was read.
-- Cannot see: reads that neither log holds.
select bucket, count(*) as objects_all, sum(bytes_all) as bytes_all,
       count(*) filter (where counted_rank = 3) as objects_lower, sum(bytes_lower) as bytes_lower,
       count(*) filter (where counted_rank >= 2) as objects_likely, sum(bytes_likely) as bytes_likely,
       count(*) filter (where counted_rank >= 1) as objects_seen, sum(bytes_upper) as bytes_seen,
       count(*) filter (where counted_rank >= 1 and copies_out > 0) as objects_copied_out, sum(bytes_copied_out) as bytes_copied_out,
       sum(log_only_requests) as log_only_requests, sum(log_only_bytes) as log_only_bytes,
       sum(log_only_squared_bytes) as log_only_squared_bytes
from object_access_objects
group by bucket
order by bucket
