-- How many objects of each bucket were destroyed by acts that are not the owner's, in which way, and how many can be brought back?
-- Grain: one row per bucket with any such act, those that failed included.
-- Cannot see: acts that neither log holds; a version that was removed later.
with acts as (select *, outcome = 'success' as done from object_access_destruction where counted_in <> 'owner')
select bucket, count(*) as attempts, count(*) filter (done) as acts, count(*) filter (not done) as failed_tries,
       count(*) filter (done and counted_in = 'lower') as acts_lower, count(*) filter (done and kind = 'deleted') as deleted,
       count(*) filter (done and kind = 'overwritten') as overwritten, count(*) filter (done and kind = 'encrypted_customer_key') as encrypted_customer_key,
       count(*) filter (done and kind = 'encrypted_foreign_kms') as encrypted_foreign_kms,
       count(*) filter (done and kind = 'expiry_shortened') as expiry_shortened,
       count(*) filter (done and recoverable_status = 'yes') as recoverable_yes, count(*) filter (done and recoverable_status = 'no') as recoverable_no,
       count(*) filter (done and recoverable_status = 'unknown') as recoverable_unknown
from acts
group by bucket
order by bucket
