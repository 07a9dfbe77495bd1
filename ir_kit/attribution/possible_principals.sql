-- As which principals did compromised credentials act?
-- Grain: one row per compromised credential and principal.
-- Cannot see: the principal of a credential that only access logs saw and whose issuing names none.
select r.access_key_id, e.user_identity_arn as principal_arn
from compromised_credentials r
join (select distinct access_key_id, user_identity_arn from events where user_identity_arn is not null) e using (access_key_id)
union
select access_key_id, principal_arn from compromised_credentials where principal_arn is not null
order by access_key_id, principal_arn
