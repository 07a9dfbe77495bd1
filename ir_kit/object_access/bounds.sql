-- Within which limits does the number of objects read, or copied out, lie for each bucket in scope, as far as rows tell?
-- Grain: one row per bucket in scope.
-- Cannot see: reads that neither log holds; the allowance for lines that the access log lost is added afterwards.
with counted as (
    select bucket, count(o.key) as objects_all, sum(bytes_all)::bigint as bytes_all,
           count(*) filter (counted_rank = 3) as objects_lower, sum(bytes_lower)::bigint as bytes_lower,
           count(*) filter (counted_rank >= 2) as objects_likely, sum(bytes_likely)::bigint as bytes_likely,
           count(*) filter (counted_rank >= 1) as objects_seen, sum(bytes_upper)::bigint as bytes_seen,
           count(*) filter (counted_rank >= 1 and copies_out > 0) as objects_copied_out, sum(bytes_copied_out)::bigint as bytes_copied_out,
           sum(log_only_requests)::bigint as log_only_requests, sum(log_only_bytes) as log_only_bytes,
           sum(log_only_squared_bytes) as log_only_squared_bytes
    from log_hours left join object_access_objects o using (bucket)
    group by bucket
)
select h.bucket, coalesce(columns(c.* exclude (bucket)), 0), h.read_blind as blind_hours, h.read_partial as partial_hours,
       h.read_access_log_only as log_only_hours, h.read_uncertain as uncertain_hours,
       h.write_blind + h.write_partial - h.read_blind as copies_hours,
       case when h.read_blind + h.read_partial + h.write_blind + h.write_partial > 0 then 'blind' when h.read_access_log_only = 0 then 'complete'
            when coalesce(l.upper, a.upper) < 1 then 'loss_allowed' else 'logged_only' end as upper_basis,
       coalesce(l.requests, a.requests) as loss_requests, coalesce(l.lost, a.lost) as loss_lost, coalesce(l.upper, a.upper) as loss_upper,
       s.* exclude (bucket)
from log_hours h
join counted c using (bucket)
left join loss_rates l using (bucket)
left join loss_rates a on a.bucket is null
left join bucket_sizes s using (bucket)
order by bucket
