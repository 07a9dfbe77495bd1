-- Where and with what were the credentials of these principals used, over all evidence?
-- Grain: one row per principal, credential, address, agent, and bucket of its data events (null for management events).
-- Cannot see: use that no CloudTrail event holds.
select e.user_identity_arn as principal_arn, e.access_key_id, e.source_ip_address, e.user_agent,
       case when e.record_class in ('data_read', 'data_write') then e.bucket end as data_bucket,
       e.invoked_by is not null as for_service,
       min(e.event_time) as first_time, max(e.event_time) as last_time,
       min(e.session_creation_date) as session_creation_date, count(*) as events
from events e
where e.user_identity_arn in (select principal_arn from possible_principals) and e.access_key_id is not null and e.access_key_id <> ''
group by e.user_identity_arn, e.access_key_id, e.source_ip_address, e.user_agent,
         case when e.record_class in ('data_read', 'data_write') then e.bucket end, e.invoked_by is not null
order by principal_arn, access_key_id, source_ip_address, user_agent, data_bucket, for_service
