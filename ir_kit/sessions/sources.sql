-- Where was each lineage of credentials used from and with what, in the baseline and in the window, and in which hours?
-- Grain: one row per lineage, period, address and user agent (without the AWS CLI's command); empty if none.
-- Cannot see: calls that neither log holds.
with by_hour as (
    select lineage_id, period, source_ip_address, client, epoch_ms(hour) // 3600000 as hour, cast(sum(event_count) as bigint) as event_count
    from uses
    group by all
),
hours as (
    select lineage_id, period, source_ip_address, client, list(hour order by hour) as hours, list(event_count order by hour) as hour_counts
    from by_hour
    group by all
)
select u.lineage_id, u.period, u.source_ip_address, u.client, coalesce(list(distinct u.user_agent) filter (u.user_agent is not null), []) as user_agents,
       coalesce(list(distinct u.vpc_endpoint_id) filter (u.vpc_endpoint_id is not null), []) as vpc_endpoint_ids,
       cast(sum(u.event_count) as bigint) as event_count, cast(sum(u.refused_count) as bigint) as refused_count,
       count(distinct (u.user_agent, u.call)) filter (u.refused_count > 0) as refused_calls, cast(sum(u.forwarded_count) as bigint) as forwarded_count,
       min(u.first_time) as first_time, max(u.last_time) as last_time, any_value(h.hours) as hours, any_value(h.hour_counts) as hour_counts
from uses u
join hours h using (lineage_id, period, source_ip_address, client)
group by u.lineage_id, u.period, u.source_ip_address, u.client
order by u.lineage_id, u.period, nullif(u.source_ip_address, ''), min(u.user_agent)
