-- How were reached credentials used in the window, and the principals that they came from in the baseline, hour by hour, by either log?
-- Grain: one row per lineage, period, log, address, agent, hour, act, Region, bucket, prefix, VPC endpoint and handshake; empty if none.
-- Cannot see: calls that neither log holds; a lineage's baseline is that of all credentials of its principals.
with seen as (
    select 'baseline' as period, 'cloudtrail' as seen_in, p.lineage_id, e.event_time, e.source_ip_address, e.user_agent, e.event_source,
           e.event_name, e.aws_region, e.bucket, coalesce(e.key, e.prefix) as path, e.vpc_endpoint_id, e.tls_version, e.cipher_suite,
           e.signature_version, e.error_code, e.invoked_by
    from events e
    join lineage_principals p
        on p.principal = case when e.session_issuer_type = 'Role' then e.session_issuer_arn else e.user_identity_arn end
    where e.event_time >= :baseline_start and e.event_time < :baseline_end
    union all
    select 'window' as period, 'cloudtrail' as seen_in, c.lineage_id, e.event_time, e.source_ip_address, e.user_agent, e.event_source,
           e.event_name, e.aws_region, e.bucket, coalesce(e.key, e.prefix) as path, e.vpc_endpoint_id, e.tls_version, e.cipher_suite,
           e.signature_version, e.error_code, e.invoked_by
    from events e
    join credential_lineages c on c.access_key_id = e.access_key_id
    where e.event_time >= :window_start and e.event_time < :window_end
    union all
    select u.period, 'server_access_log' as seen_in, p.lineage_id, u.event_time, u.source_ip_address, u.user_agent,
           's3.amazonaws.com' as event_source, u.event_name, cast(null as varchar) as aws_region, u.bucket, coalesce(u.key, u.prefix) as path,
           cast(null as varchar) as vpc_endpoint_id, cast(null as varchar) as tls_version, cast(null as varchar) as cipher_suite,
           cast(null as varchar) as signature_version, u.error_code, cast(null as varchar) as invoked_by
    from log_uses u
    join lineage_principals p on p.principal = u.principal
    where u.period = 'baseline'
    union all
    select u.period, 'server_access_log' as seen_in, c.lineage_id, u.event_time, u.source_ip_address, u.user_agent,
           's3.amazonaws.com' as event_source, u.event_name, cast(null as varchar) as aws_region, u.bucket, coalesce(u.key, u.prefix) as path,
           cast(null as varchar) as vpc_endpoint_id, cast(null as varchar) as tls_version, cast(null as varchar) as cipher_suite,
           cast(null as varchar) as signature_version, u.error_code, cast(null as varchar) as invoked_by
    from log_uses u
    join credential_lineages c on c.access_key_id = u.access_key_id
    where u.period = 'window'
),
placed as (
    select period, seen_in, lineage_id, source_ip_address, user_agent, date_trunc('hour', event_time) as hour,
           event_source || ' ' || event_name as act, aws_region, bucket,
           bucket || '/' || substr(path, 1, strpos(path, '/')) as prefix, vpc_endpoint_id,
           nullif(concat_ws(' ', tls_version, cipher_suite, signature_version), '') as handshake, event_time, error_code, invoked_by,
           case when outcome(error_code) = 'denied' or error_code = 'NoSuchBucket' then 1 else 0 end as refused
    from seen
)
select period, seen_in, lineage_id, source_ip_address, user_agent, hour, act, aws_region, bucket, prefix, vpc_endpoint_id, handshake,
       count(*) as event_count, count(error_code) as error_count, sum(refused) as refused_count, count(invoked_by) as forwarded_count,
       min(event_time) as first_time, max(event_time) as last_time
from placed
group by period, seen_in, lineage_id, source_ip_address, user_agent, hour, act, aws_region, bucket, prefix, vpc_endpoint_id, handshake
