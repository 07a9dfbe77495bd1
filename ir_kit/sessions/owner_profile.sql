-- From where and with what were these principals used in the baseline, by either log?
-- Grain: one row per principal (a user, or the role behind sessions), kind (source_ip_address, user_agent) and value.
-- Cannot see: an intruder who was there in the baseline already; what the owner used first in the window.
with used as (
    select case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal, source_ip_address, user_agent
    from events
    where event_time >= :baseline_start and event_time < :baseline_end
      and (user_identity_arn in (:principals) or session_issuer_arn in (:principals) or access_key_id in (:access_keys))
    union
    select q.principal_arn as principal, l.remote_ip as source_ip_address, l.user_agent
    from access_log_lines l join possible_requesters q on q.requester = l.requester
    where l.event_time >= :baseline_start and l.event_time < :baseline_end
)
select distinct principal, 'source_ip_address' as kind, source_ip_address as value from used where source_ip_address is not null
union all
select distinct principal, 'user_agent' as kind, user_agent as value from used where user_agent is not null
order by principal, kind, value
