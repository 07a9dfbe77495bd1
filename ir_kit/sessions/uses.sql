-- How were reached credentials used in the window, and the principals that they came from in the baseline, hour by hour, by either log?
-- Grain: one row per lineage, period, log, address, user agent, hour, call, Region, bucket, prefix, VPC endpoint and handshake; empty if none.
-- Cannot see: calls that neither log holds; a lineage's baseline is that of all credentials of its principals.
with calls as (
    select 'cloudtrail' as seen_in, event_time, access_key_id,
           case when session_issuer_type = 'Role' then session_issuer_arn else user_identity_arn end as principal, source_ip_address, user_agent,
           event_source, event_name, aws_region, bucket, coalesce(key, prefix) as path, vpc_endpoint_id,
           nullif(concat_ws(' ', tls_version, cipher_suite, signature_version), '') as handshake, error_code, invoked_by
    from events
    where event_time >= :baseline_start and event_time < :window_end
    union all by name
    select 'server_access_log' as seen_in, event_time, access_key_id, principal, source_ip_address, user_agent,
           's3.amazonaws.com' as event_source, event_name, bucket, coalesce(key, prefix) as path, error_code
    from log_uses
),
of_lineages as (
    select 'baseline' as period, p.lineage_id, c.*
    from calls c
    join (select distinct coalesce(lineage, '') as lineage_id, unnest(string_split(coalesce(lineage, ''), chr(10)) || [principal_arn]) as principal
          from compromised_credentials) p on p.principal = c.principal and p.principal <> ''
    where c.event_time >= :baseline_start and c.event_time < :baseline_end
    union all
    select 'window' as period, coalesce(r.lineage, '') as lineage_id, c.*
    from calls c join compromised_credentials r on r.access_key_id = c.access_key_id
    where c.event_time >= :window_start and c.event_time < :window_end
),
hourly as (
    select period, seen_in, lineage_id, coalesce(source_ip_address, '') as source_ip_address, user_agent, client_of(user_agent) as client,
           vpc_endpoint_id, date_trunc('hour', event_time) as hour, event_source || ' ' || event_name as call, aws_region, bucket,
           bucket || '/' || substr(path, 1, strpos(path, '/')) as prefix, handshake, count(*) as event_count,
           count(*) filter (outcome(error_code) = 'denied' or error_code = 'NoSuchBucket') as refused_count,
           count(invoked_by) as forwarded_count, min(event_time) as first_time, max(event_time) as last_time
    from of_lineages
    group by all
)
select *, dense_rank() over (order by lineage_id, period, source_ip_address, client) as source_id from hourly
