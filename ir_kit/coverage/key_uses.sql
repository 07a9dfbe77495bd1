-- Which requests of a key on a service lie near the use that IAM noted as its latest?
-- Grain: one row of counts: CloudTrail events of the key, and access-log lines that could be its own (its principal's, or a pre-signed URI's).
-- Cannot see: what was not logged.
select (select count(*) from events
        where access_key_id = :access_key_id and event_source = :event_source
          and event_time between cast(:used_at as timestamp) - interval '15' minute and cast(:used_at as timestamp) + interval '15' minute) as events,
       (select count(*) from access_log_lines
        where :event_source = 's3.amazonaws.com'
          and event_time between cast(:used_at as timestamp) - interval '15' minute and cast(:used_at as timestamp) + interval '15' minute
          and (presigned_access_key_id = :access_key_id
               or requester in (select user_identity_arn from events where access_key_id = :access_key_id))) as lines
