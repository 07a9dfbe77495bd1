-- Which accounts are the evidence's own?
-- Grain: one row per account.
-- Cannot see: accounts of the same organization whose trails are not held.
select account_id from settings where account_id is not null
union
select recipient_account_id as account_id from events where recipient_account_id is not null
order by account_id
