-- Which accounts are the evidence's own?
-- Grain: one row per account.
-- Cannot see: accounts of the same organization whose trails are not held.
select distinct account_id
from (
    select account_id from settings
    union all
    select recipient_account_id as account_id from events
) a
where account_id is not null
order by account_id
