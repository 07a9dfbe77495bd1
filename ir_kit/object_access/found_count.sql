-- How many of the objects read have this text in their key?
-- Grain: one row.
-- Cannot see: reads that neither log holds.
select count(*) as objects
from object_access_objects
where (:bucket is null or bucket = :bucket) and (:text is null or strpos(lower(key), lower(:text)) > 0)
