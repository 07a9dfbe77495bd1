-- Which objects were read, or copied out of the account, by or possibly by a reached credential?
-- Grain: one row per bucket and key that was read with success.
-- Cannot see: reads that neither log holds.
select bucket, key, min(event_time) as first_time, max(event_time) as last_time, count(*) as requests,
       count(*) filter (where read_extent = 'whole') as whole_reads, count(*) filter (where read_extent = 'part') as part_reads,
       count(*) filter (where disclosed = 'copied_out') as copies_out, count(distinct version_id) as versions,
       sum(coalesce(bytes_sent, 0)) as bytes_sent, max(object_size) as object_size, min(attribution) as best_attribution,
       min(access_key_id) as access_key_id, min(coalesce(access_key_id, '')) = max(coalesce(access_key_id, '')) as by_one_credential,
       max(case counted_in when 'lower' then 3 when 'likely' then 2 when 'upper' then 1 else 0 end) as counted_rank,
       case max(case counted_in when 'lower' then 3 when 'likely' then 2 when 'upper' then 1 else 0 end)
           when 3 then 'lower' when 2 then 'likely' when 1 then 'upper' else 'owner' end as counted_in,
       sum(case when counted_in = 'lower' and disclosed = 'content' then coalesce(bytes_sent, 0) else 0 end) as bytes_lower,
       sum(case when counted_in in ('lower', 'likely') and disclosed = 'content' then coalesce(bytes_sent, 0) else 0 end) as bytes_likely,
       sum(case when counted_in <> 'owner' and disclosed = 'content' then coalesce(bytes_sent, 0) else 0 end) as bytes_upper,
       sum(case when disclosed = 'content' then coalesce(bytes_sent, 0) else 0 end) as bytes_all,
       sum(case when counted_in <> 'owner' and disclosed = 'copied_out' then coalesce(object_size, 0) else 0 end) as bytes_copied_out,
       count(*) filter (where counted_in <> 'owner' and seen_in = 'server_access_log') as log_only_requests,
       sum(case when counted_in <> 'owner' and seen_in = 'server_access_log' then cast(coalesce(bytes_sent, 0) as double) else 0 end)
           as log_only_bytes,
       sum(case when counted_in <> 'owner' and seen_in = 'server_access_log'
                then cast(coalesce(bytes_sent, 0) as double) * coalesce(bytes_sent, 0) else 0 end) as log_only_squared_bytes
from object_access_requests
where disclosed in ('content', 'copied_out') and key is not null
group by bucket, key
order by bucket, key
