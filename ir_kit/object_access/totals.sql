-- How much was read, listed, written and removed, by key, session, address, agent, bucket, prefix and hour?
-- Grain: one row per dimension and value.
-- Cannot see: requests that neither log holds; a distinct object counts once in each value.
with acts as (
    select coalesce(access_key_id, 'not settled') as access_key_id, coalesce(session_id, 'none') as session_id, source_ip_address, user_agent, bucket,
           bucket || '/' || coalesce(regexp_extract(key, '(?s)^([^/]*/)', 1), '') as prefix,
           cast(date_trunc('hour', event_time) as varchar) as hour, disclosed, error_code, http_status, counted_in, event_time,
           case when disclosed in ('content', 'copied_out') then bucket || '/' || key end as object,
           case when disclosed = 'content' then coalesce(bytes_sent, 0) else 0 end as bytes_sent
    from object_access_requests
)
select dimension, value, count(*) as requests, count(*) filter (disclosed = 'content') as reads, count(distinct object) as objects_read,
       sum(bytes_sent) as bytes_sent, count(*) filter (disclosed = 'names') as listings,
       count(*) filter (error_code is not null or http_status >= 400) as failed, count(*) filter (counted_in <> 'owner') as not_the_owners,
       min(event_time) as first_time, max(event_time) as last_time
from acts unpivot include nulls (value for dimension in (access_key_id, session_id, source_ip_address, user_agent, bucket, prefix, hour))
group by all
order by dimension, value
