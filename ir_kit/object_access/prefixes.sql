-- Under which prefixes were objects read?
-- Grain: one row per bucket, prefix (to the first slash) and bound that the objects count in.
-- Cannot see: reads that neither log holds.
select bucket, coalesce(nullif(regexp_extract(key, '(?s)^([^/]*/)', 1), ''), '(no prefix)') as prefix, counted_in, count(*) as objects,
       sum(bytes_sent) as bytes_sent
from object_access_objects
group by all
order by bucket, prefix, counted_in
