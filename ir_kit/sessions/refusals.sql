-- How many different calls were refused at each place?
-- Grain: one row per lineage, period, address and agent that had any refused.
-- Cannot see: calls that neither log holds; failed authentication.
select lineage_id, period, source_ip_address, user_agent, count(distinct act) as refused_acts
from uses
where refused_count > 0
group by lineage_id, period, source_ip_address, user_agent
order by lineage_id, period, source_ip_address, user_agent
