-- Which calls, Regions, buckets, prefixes and handshakes did these groups of places show?
-- Grain: one row per group, kind and value; prefixes only of buckets that have between 2 and 500 of them; empty if none.
-- Cannot see: calls that neither log holds; the keys themselves.
with few as (
    select lineage_id, bucket
    from uses
    where bucket is not null
    group by lineage_id, bucket
    having count(distinct prefix) between 2 and 500
),
grouped as (
    select g.group_id, date_trunc('day', u.hour) as day, u.act, u.aws_region, u.bucket,
           case when f.bucket is not null then u.prefix end as prefix, u.handshake, sum(u.event_count) as event_count
    from uses u
    join place_groups g
        on g.lineage_id = u.lineage_id and g.period = u.period
       and g.source_ip_address = coalesce(u.source_ip_address, '') and g.user_agent = coalesce(u.user_agent, '')
    left join few f on f.lineage_id = u.lineage_id and f.bucket = u.bucket
    group by g.group_id, date_trunc('day', u.hour), u.act, u.aws_region, u.bucket, case when f.bucket is not null then u.prefix end,
             u.handshake
),
valued as (
    select group_id, day, 'event_name' as kind, act as value, event_count from grouped
    union all
    select group_id, day, 'aws_region' as kind, aws_region as value, event_count from grouped
    union all
    select group_id, day, 'bucket' as kind, bucket as value, event_count from grouped
    union all
    select group_id, day, 'prefix' as kind, prefix as value, event_count from grouped
    union all
    select group_id, day, 'handshake' as kind, handshake as value, event_count from grouped
)
select group_id, kind, value, cast(sum(event_count) as bigint) as event_count, min(day) as first_day
from valued
where value is not null
group by group_id, kind, value
order by group_id, kind, value
