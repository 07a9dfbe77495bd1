-- Which calls of the window can take logging or detection away, or the logs themselves?
-- Grain: one row per call, failed ones included, whoever made it; which of them do is for the replay to say; empty if none.
-- Cannot see: calls made while nothing recorded them, and writes into log buckets without data events.
select e.event_time, e.event_id, e.event_source, e.event_name, e.error_code, e.aws_region, e.recipient_account_id, e.bucket, e.key,
       e.access_key_id, e.user_identity_arn as principal_arn, e.source_ip_address, e.user_agent, e.request_parameters,
       outcome(e.error_code) as outcome, c.kind, c.target_parameter, c.words
from events e
join tampering_calls c on c.event_source = e.event_source and c.event_name = e.event_name
where e.event_time >= :window_start and e.event_time < :window_end
  and (c.target_parameter <> 'key' or (e.bucket in (:log_buckets) and coalesce(e.user_identity_type, '') <> 'AWSService'))
order by e.event_time, e.event_id
