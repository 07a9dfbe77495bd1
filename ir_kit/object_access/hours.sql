-- How many bytes left in which hour, and how sure is it by which key?
-- Grain: one row per hour, attribution and bound that it counts in.
-- Cannot see: reads that neither log holds.
select date_trunc('hour', event_time) as hour, attribution, counted_in, count(*) as reads, sum(coalesce(bytes_sent, 0)) as bytes_sent
from object_access_requests
where disclosed = 'content'
group by all
order by all
