-- When was a trail, or the validation of its log files, switched off?
-- Grain: one row per call that succeeded; empty if none.
-- Cannot see: calls while no trail recorded them.
select event_time, event_name, aws_region, target_name
from events
where event_source = 'cloudtrail.amazonaws.com' and error_code is null
  and (event_name in ('StopLogging', 'DeleteTrail')
       or event_name = 'UpdateTrail' and json_extract_scalar(request_parameters, '$.enableLogFileValidation') = 'false')
order by event_time, event_id
