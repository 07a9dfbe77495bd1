-- As whom, and when, were these credentials used, and which logged call created them?
-- Grain: one row per credential that any event names, by the principal that used it most; empty if none.
-- Cannot see: requests that only access logs hold, and who created a key before the evidence begins.
with used as (
    select access_key_id, user_identity_arn, user_identity_account_id, user_identity_user_name,
           case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal,
           min(session_creation_date) as session_creation_date,
           count(*) filter (in_window) as in_window, count(*) filter (in_baseline) as in_baseline,
           min(event_time) filter (in_window) as first_in_window, max(event_time) filter (in_window) as last_in_window,
           min(event_time) filter (in_window or in_baseline) as first_time, max(event_time) filter (in_window or in_baseline) as last_time
    from (select *, event_time >= :window_start and event_time < :window_end as in_window,
                 event_time >= :baseline_start and event_time < :baseline_end as in_baseline
          from events where access_key_id in (:keys))
    group by all
),
created as (
    select issued_access_key_id as access_key_id, min(event_time) as create_date,
           min(response_elements ->> '$.accessKey.userName') as created_for, min(recipient_account_id) as created_in
    from events where issued_access_key_id in (:keys) and event_name = 'CreateAccessKey'
    group by all
)
select access_key_id, user_identity_arn, user_identity_account_id, user_identity_user_name, principal, session_creation_date,
       sum(in_window) over w as event_count, sum(in_baseline) over w as baseline_event_count,
       min(first_in_window) over w as first_used, max(last_in_window) over w as last_used,
       min(first_time) over w as first_event_time, max(last_time) over w as last_event_time, create_date, created_for, created_in
from used full join created using (access_key_id)
window w as (partition by access_key_id)
qualify row_number() over (partition by access_key_id order by in_window desc, in_baseline desc, user_identity_arn) = 1
order by access_key_id
