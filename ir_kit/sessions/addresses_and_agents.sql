-- Which addresses and agents stand in the requests of these principals?
-- Grain: one row per principal, kind (source_ip_address, user_agent) and value; the principal is null for pre-signed requests of another.
-- Cannot see: whose they are.
with used as (
    select user_identity_arn as principal_arn, source_ip_address, user_agent
    from events
    where access_key_id in (select access_key_id from reached_credentials) and event_time >= :match_start and event_time < :match_end
    union
    select q.principal_arn, l.remote_ip as source_ip_address, l.user_agent
    from access_log_lines l join possible_requesters q on q.requester = l.requester
    where l.event_time >= :match_start and l.event_time < :match_end
)
select distinct principal_arn, 'source_ip_address' as kind, source_ip_address as value from used where source_ip_address is not null
union all
select distinct principal_arn, 'user_agent' as kind, user_agent as value from used where user_agent is not null
order by principal_arn, kind, value
