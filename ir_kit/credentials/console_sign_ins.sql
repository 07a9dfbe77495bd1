-- When did which principal sign in to the console, or have a password set, changed or taken away?
-- Grain: one row per successful call in the window; empty if none.
-- Cannot see: sign-ins in a Region whose events are not held, and password changes while no trail logged.
select event_time, event_id, event_name, access_key_id, user_identity_type, user_identity_arn, user_identity_user_name,
       json_extract_scalar(request_parameters, '$.userName') as user_name
from events
where event_time >= :window_start and event_time < :window_end and error_code is null
  and ((event_name = 'ConsoleLogin' and json_extract_scalar(response_elements, '$.ConsoleLogin') = 'Success')
       or event_name in ('CreateLoginProfile', 'UpdateLoginProfile', 'DeleteLoginProfile'))
order by event_time, event_id
