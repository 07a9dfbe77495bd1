-- Which account does each bucket belong to, as the logs tell?
-- Grain: one row per bucket and account that something names as its owner, with how often; for access logs the owner's canonical id.
-- Cannot see: buckets that only denied calls of their own account's principals name, whose owner CloudTrail blanks.
with named as (
    select bucket, nullif(regexp_extract(resources, '"accountId": ?"([0-9]{12})"', 1), '') as account_id, cast(null as varchar) as canonical_id
    from events
    where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and bucket is not null and copy_source is null and resources is not null
    union all
    -- a call of nobody, of a service or of another account is delivered to the bucket's owner alone, or to both
    select bucket, recipient_account_id as account_id, cast(null as varchar) as canonical_id
    from events
    where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and bucket is not null
      and lower(coalesce(user_identity_account_id, 'anonymous')) in ('anonymous', 'anonymous_principal')
    union all
    select bucket, cast(null as varchar) as account_id, bucket_owner as canonical_id
    from access_log_lines
    where bucket is not null and bucket_owner is not null
)
select bucket, account_id, canonical_id, count(*) as requests
from named
where account_id is not null or canonical_id is not null
group by bucket, account_id, canonical_id
order by bucket, requests desc, account_id, canonical_id
