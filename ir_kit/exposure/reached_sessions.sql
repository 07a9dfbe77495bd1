-- Were the sessions of reached credentials opened with MFA, and when?
-- Grain: one row per reached credential that any event names; mfa and always_mfa are 1 or 0, null where no event says; empty if none.
-- Cannot see: credentials that only access logs saw.
select access_key_id,
       max(case when session_mfa_authenticated then 1 when not session_mfa_authenticated then 0 end) as mfa,
       min(case when session_mfa_authenticated then 1 when not session_mfa_authenticated then 0 end) as always_mfa,
       min(session_creation_date) as session_creation_date
from events
where access_key_id in (select access_key_id from reached_credentials)
group by access_key_id
order by access_key_id
