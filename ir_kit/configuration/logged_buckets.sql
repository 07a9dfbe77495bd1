-- What do the logs say of each bucket: its Region, whose it is, and whether a request reached it?
-- Grain: one row per bucket, Region, account and owner's canonical id; nulls where the records name none (access logs name the owner alone).
-- Cannot see: the account of a bucket that only denied calls of its own account's principals name, which CloudTrail blanks.
select bucket, aws_region,
       -- a call of nobody, of a service or of another account is delivered to the bucket's owner alone, or to both
       coalesce(case when copy_source is null then nullif(regexp_extract(resources, '"accountId": ?"([0-9]{12})"', 1), '')  -- a copy names two buckets
                     else list_filter(try(from_json(resources, '[{"ARN": "VARCHAR", "accountId": "VARCHAR"}]')),
                                      lambda named: named.ARN like 'arn:%:s3:::' || bucket)[1].accountId end,
                case when lower(coalesce(user_identity_account_id, 'anonymous')) in ('anonymous', 'anonymous_principal')
                     then recipient_account_id end) as account_id,
       cast(null as varchar) as canonical_id, count(*) as requests,
       count(*) filter (where error_code is null and event_source = 's3.amazonaws.com') as successes
from events
where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and bucket <> '' and not (bucket like 'arn:%' or bucket like '%-s3alias')
group by all
union all
select bucket, null, null, bucket_owner, count(*), count(*) filter (where http_status >= 200 and http_status < 400)
from access_log_lines
where bucket <> '' and not (bucket like 'arn:%' or bucket like '%-s3alias')
group by all
order by bucket, aws_region, requests desc, account_id, canonical_id
