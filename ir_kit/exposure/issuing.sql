-- By which call was each reached credential issued, and what did the call hold it to?
-- Grain: one row per issuing event of a reached credential, wherever in the evidence; empty if none.
-- Cannot see: credentials issued before the evidence begins, while no trail logged, or by AWS itself (of instances and functions).
select e.issued_access_key_id as access_key_id, e.event_name, e.event_time, e.event_id, e.user_identity_arn, e.session_issuer_arn,
       e.request_parameters
from events e
where e.error_code is null and e.issued_access_key_id in (select access_key_id from reached_credentials)
order by e.issued_access_key_id, e.event_time, e.event_id, e.recipient_account_id
