-- Where was each lineage of credentials used from and with what, in the baseline and in the window, and in which hours?
-- Grain: one row per lineage, period, address and user agent (without the AWS CLI's command); empty if none.
-- Cannot see: calls that neither log holds.
with hours as (
    select source_id, map_from_entries(list((hour, event_count) order by hour)) as hours
    from (select source_id, epoch_ms(hour) // 3600000 as hour, cast(sum(event_count) as bigint) as event_count from uses group by all)
    group by source_id
)
select u.source_id, u.lineage_id as lineage, u.period, nullif(u.source_ip_address, '') as address, u.client,
       list_sort(coalesce(list(distinct u.user_agent) filter (u.user_agent is not null), [])) as user_agents,
       list_sort(coalesce(list(distinct u.vpc_endpoint_id) filter (u.vpc_endpoint_id is not null), [])) as vpc_endpoint_ids,
       cast(sum(u.event_count) as bigint) as events, cast(sum(u.refused_count) as bigint) as refused,
       count(distinct (u.user_agent, u.call)) filter (u.refused_count > 0) as refused_calls, cast(sum(u.forwarded_count) as bigint) as forwarded,
       min(u.first_time) as first, max(u.last_time) as last, any_value(h.hours) as hours
from uses u
join hours h using (source_id)
group by u.source_id, u.lineage_id, u.period, u.source_ip_address, u.client
order by u.lineage_id, u.period, nullif(u.source_ip_address, ''), min(u.user_agent)
