-- Which public keys, signatures of digests and trails does the configuration hold?
-- Grain: one row per answer of ListPublicKeys, HeadObject, DescribeTrails, GetTrail and GetTrailStatus; empty if none.
-- Cannot see: what was not collected, or was refused.
select operation, aws_region, parameters, response, collected_at
from settings
where answer = 'answered'
  and (service = 'cloudtrail' and operation in ('ListPublicKeys', 'DescribeTrails', 'GetTrail', 'GetTrailStatus')
       or service = 's3' and operation = 'HeadObject')
order by collected_at, source_file, line_number
