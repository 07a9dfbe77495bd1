-- Which calls created, changed, started, stopped or deleted trails, or tried to?
-- Grain: one row per call, all evidence and not the window alone, failed calls included; empty if none.
-- Cannot see: calls made while no trail that is held recorded management events in the trail's home Region.
select event_time, event_id, event_name, error_code, aws_region, recipient_account_id, request_parameters, response_elements,
       access_key_id, user_identity_arn, target_name
from events
where event_source = 'cloudtrail.amazonaws.com'
  and event_name in ('CreateTrail', 'UpdateTrail', 'DeleteTrail', 'StartLogging', 'StopLogging', 'PutEventSelectors',
                     'PutEventConfiguration', 'PutInsightSelectors')
order by event_time, event_id
