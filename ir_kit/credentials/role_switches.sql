-- Who took up which role in the console, from where and when?
-- Grain: one row per SwitchRole of the window that succeeded; empty if none.
-- Cannot see: switches in a Region whose events are not held, and whose session it was before beyond the name that it keeps.
select event_time, event_id, user_identity_arn, source_ip_address
from events
where event_time >= :window_start and event_time < :window_end and error_code is null
  and event_source = 'signin.amazonaws.com' and event_name = 'SwitchRole'
  and json_extract_scalar(response_elements, '$.SwitchRole') = 'Success'
order by event_time, event_id, recipient_account_id
