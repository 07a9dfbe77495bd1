-- From where and with what were these principals used in the baseline, and which addresses and user agents are in the requests in question?
-- Grain: one row per period (baseline, or match: the time that is matched), principal, kind and value; of the match, the principal is null
--        for pre-signed requests of another.
-- Cannot see: an intruder who was there in the baseline already; what the owner used first in the window.
with used as (
    select 'baseline' as period, case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal,
           source_ip_address, user_agent
    from events
    where event_time >= :baseline_start and event_time < :baseline_end
      and (user_identity_arn in (:principals) or session_issuer_arn in (:principals) or access_key_id in (:access_keys))
    union
    select 'match', user_identity_arn, source_ip_address, user_agent
    from events
    where access_key_id in (select access_key_id from compromised_credentials) and event_time >= :match_start and event_time < :match_end
    union
    select unnest([case when l.event_time >= :baseline_start and l.event_time < :baseline_end then 'baseline' end,
                   case when l.event_time >= :match_start and l.event_time < :match_end then 'match' end]),
           q.principal_arn, l.remote_ip, l.user_agent
    from access_log_lines l join possible_requesters q on q.requester = l.requester
)
select distinct period, principal, kind, value
from used unpivot (value for kind in (source_ip_address, user_agent))
where period is not null
order by period, principal, kind, value
