-- Which calls of compromised credentials were denied in the window, and which bucket names that do not exist did they try?
-- Grain: one row per credential, call, bucket, error and address; empty if none.
-- Cannot see: requests on names that no bucket of this account has, where CloudTrail delivers them to nobody; failed authentication.
select e.access_key_id, e.event_source, e.event_name, e.bucket, e.error_code, e.source_ip_address, count(*) as attempts,
       min(e.event_time) as first_time, max(e.event_time) as last_time,
       case when outcome(e.error_code) = 'denied' then 'refused'
            when e.event_source = 's3.amazonaws.com' and e.bucket is not null
                 and (e.error_code = 'NoSuchBucket'
                      or e.error_code in ('NotFound', '404')
                         and e.event_name in ('HeadBucket', 'ListObjects', 'ListObjectsV2', 'ListObjectVersions')) then 'missing_bucket'
            end as kind, r.is_responder
from events e join compromised_credentials r on r.access_key_id = e.access_key_id
where e.event_time >= :window_start and e.event_time < :window_end and e.error_code is not null and kind is not null
group by all
order by first_time, e.access_key_id, e.event_source, e.event_name, e.bucket, e.error_code, e.source_ip_address
