-- How much was read, listed, written and removed, by key, session, address, agent, bucket, prefix and hour?
-- Grain: one row per dimension and value.
-- Cannot see: requests that neither log holds; a distinct object counts once in each value.
with acts as (
    select coalesce(access_key_id, 'not settled') as access_key_id, coalesce(session_id, 'none') as session_id, source_ip_address, user_agent,
           bucket, bucket || '/' || coalesce(nullif(regexp_extract(key, '(?s)^([^/]*/)', 1), ''), '') as prefix,
           date_trunc('hour', event_time) as hour, attribution, disclosed, key, event_name, error_code, coalesce(http_status, 200) as http_status,
           coalesce(bytes_sent, 0) as bytes_sent, counted_in, verdict, event_time
    from object_access_requests
),
grouped as (
    select access_key_id, session_id, source_ip_address, user_agent, bucket, prefix, hour,
           grouping(access_key_id, session_id, source_ip_address, user_agent, bucket, prefix, hour) as mask,
           count(*) as requests, count(*) filter (where disclosed = 'content') as reads,
           count(distinct case when disclosed in ('content', 'copied_out') then bucket || '/' || key end) as objects_read,
           sum(case when disclosed = 'content' then bytes_sent else 0 end) as bytes_sent,
           count(*) filter (where disclosed = 'names') as listings,
           count(*) filter (where error_code is not null or http_status >= 400) as failed,
           count(*) filter (where counted_in <> 'owner') as not_the_owners, min(event_time) as first_time, max(event_time) as last_time
    from acts
    group by grouping sets ((access_key_id), (session_id), (source_ip_address), (user_agent), (bucket), (prefix), (hour))
)
select case mask when 63 then 'access_key_id' when 95 then 'session_id' when 111 then 'source_ip_address' when 119 then 'user_agent'
            when 123 then 'bucket' when 125 then 'prefix' else 'hour' end as dimension,
       case mask when 63 then access_key_id when 95 then session_id when 111 then source_ip_address when 119 then user_agent
            when 123 then bucket when 125 then prefix else cast(hour as varchar) end as value,
       requests, reads, objects_read, bytes_sent, listings, failed, not_the_owners, first_time, last_time
from grouped
order by dimension, value
