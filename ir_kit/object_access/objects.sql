-- Which objects were read, or copied out of the account, by or possibly by a compromised credential?
-- Grain: one row per bucket and key that was read with success.
-- Cannot see: reads that neither log holds.
with reads as (
    select *, list_position(['owner', 'upper', 'likely', 'lower'], counted_in) - 1 as rank, coalesce(bytes_sent, 0) as bytes,
           if(disclosed = 'content', bytes, 0) as downloaded, rank > 0 and seen_in = 'server_access_log' as log_only
    from object_access_requests
    where disclosed in ('content', 'copied_out') and key is not null
)
select bucket, key, min(event_time) as first_time, max(event_time) as last_time, count(*) as requests,
       count(*) filter (read_extent = 'whole') as whole_reads, count(*) filter (read_extent = 'part') as part_reads,
       count(*) filter (disclosed = 'copied_out') as copies_out, count(distinct version_id) as versions, sum(bytes) as bytes_sent,
       max(object_size) as object_size, min(attribution) as best_attribution, min(access_key_id) as access_key_id,
       min(coalesce(access_key_id, '')) = max(coalesce(access_key_id, '')) as by_one_credential, max(rank) as counted_rank,
       ['owner', 'upper', 'likely', 'lower'][counted_rank + 1] as counted_in, sum(if(rank = 3, downloaded, 0)) as bytes_lower,
       sum(if(rank >= 2, downloaded, 0)) as bytes_likely, sum(if(rank >= 1, downloaded, 0)) as bytes_upper, sum(downloaded) as bytes_all,
       sum(if(rank > 0 and disclosed = 'copied_out', coalesce(object_size, 0), 0)) as bytes_copied_out,
       count(*) filter (log_only) as log_only_requests, sum(if(log_only, bytes::double, 0)) as log_only_bytes,
       sum(if(log_only, bytes::double * bytes, 0)) as log_only_squared_bytes
from reads
group by bucket, key
order by bucket, key
