-- As which principals did reached credentials act?
-- Grain: one row per reached credential and principal; the principal is null where neither an event nor its issuing names one.
-- Cannot see: the principal of a credential that only access logs saw and whose issuing nothing names.
select r.access_key_id, e.user_identity_arn as principal_arn
from reached_credentials r
join (select distinct access_key_id, user_identity_arn from events where user_identity_arn is not null) e
    on e.access_key_id = r.access_key_id
union
select access_key_id, principal_arn from reached_credentials
order by access_key_id, principal_arn
