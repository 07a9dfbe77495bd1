-- Which roles of other accounts were assumed by the principals of these credentials, where only the role's own account tells of it?
-- Grain: one row per successful assumption and credential of its caller; empty if none.
-- Cannot see: which of its credentials the caller used, for the role's account is told the caller's principal id alone.
select e.event_time, e.event_id, e.event_name, e.issued_access_key_id, e.issued_principal_arn, u.access_key_id, u.user_identity_arn,
       json_extract_scalar(e.request_parameters, '$.roleArn') as role_arn
from events e
join (select distinct access_key_id, user_identity_arn, user_identity_principal_id from events
      where access_key_id in (:keys) and user_identity_arn is not null and user_identity_principal_id <> '') u
  on u.user_identity_principal_id = e.user_identity_principal_id
where e.event_time >= :window_start and e.event_time < :window_end and e.error_code is null
  and e.event_name = 'AssumeRole' and e.user_identity_type = 'AWSAccount'
  and e.access_key_id is null and e.issued_access_key_id is not null
  and not exists (select 1 from events n where n.issued_access_key_id = e.issued_access_key_id and n.access_key_id is not null)
order by e.event_time, e.event_id, u.access_key_id
