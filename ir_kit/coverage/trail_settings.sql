-- What did CloudTrail answer when it was asked for its trails, their status and their selectors?
-- Grain: one row per call that was answered; empty if none.
-- Cannot see: trails of Regions that were not asked, and what changed between the last event held and the time of the answer.
select collected_at, account_id, aws_region, operation, parameters, response
from settings
where service = 'cloudtrail' and answer = 'answered'
  and operation in ('DescribeTrails', 'GetTrail', 'ListTrails', 'GetTrailStatus', 'GetEventSelectors')
order by collected_at, line_number
