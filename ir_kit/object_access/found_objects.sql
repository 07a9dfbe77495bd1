-- Which of the objects read have this text in their key?
-- Grain: one row per object, most bytes first, as many as asked for; `total` says how many there are.
-- Cannot see: reads that neither log holds.
select * exclude (counted_rank, log_only_requests, log_only_bytes, log_only_squared_bytes), count(*) over () as total
from object_access_objects
where (:bucket is null or bucket = :bucket) and (:text is null or strpos(lower(key), lower(:text)) > 0)
order by bytes_sent desc, bucket, key
limit :most
