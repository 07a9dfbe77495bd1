-- Which calls, Regions, buckets, prefixes and handshakes did each source show?
-- Grain: one row per lineage, period, address, user agent, kind and value; prefixes only of buckets that have between 2 and 500 of them.
-- Cannot see: calls that neither log holds; the keys themselves.
with wide as (
    select u.source_id, u.lineage_id, u.period, u.source_ip_address, u.user_agent, cast(u.hour as date) - date '1970-01-01' as day,
           u.call as event_name, u.aws_region, u.bucket, case when f.bucket is not null then u.prefix end as prefix, u.handshake, u.event_count
    from uses u
    left join (select lineage_id, bucket from uses group by all having count(distinct prefix) between 2 and 500) f using (lineage_id, bucket)
)
select source_id, lineage_id, period, source_ip_address, user_agent, kind, value, cast(sum(event_count) as bigint) as event_count, min(day) as first_day
from wide unpivot (value for kind in (event_name, aws_region, bucket, prefix, handshake))
group by all
