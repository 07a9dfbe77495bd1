-- In which hours was each lineage of credentials used, from which address and with which agent?
-- Grain: one row per lineage, period, address, agent and hour; empty if none.
-- Cannot see: calls that neither log holds.
select lineage_id, period, source_ip_address, user_agent, hour, cast(sum(event_count) as bigint) as event_count,
       cast(sum(error_count) as bigint) as error_count, cast(sum(refused_count) as bigint) as refused_count,
       cast(sum(forwarded_count) as bigint) as forwarded_count, min(first_time) as first_time, max(last_time) as last_time,
       min(vpc_endpoint_id) as vpc_endpoint_id, cast(sum(case when seen_in = 'cloudtrail' then event_count else 0 end) as bigint) as trail_count
from uses
group by lineage_id, period, source_ip_address, user_agent, hour
order by lineage_id, period, source_ip_address, user_agent, hour
