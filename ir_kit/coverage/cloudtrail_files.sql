-- Which files lie in the CloudTrail sources, logs and digests alike?
-- Grain: one row per file, in the order of the sources.
-- Cannot see: files that were never in a source.
select path, location, state, present, sha256
from sources where kind = 'cloudtrail' order by rank
