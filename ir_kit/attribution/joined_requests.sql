-- Which requests do both logs hold, so that reasoning without request ids can be tried on them?
-- Grain: one row per requester, address, agent, bucket, span of candidates and the key that CloudTrail names; baseline and window.
-- Cannot see: whether requests that only the access log holds are like these.
select q.principal_arn, l.remote_ip as source_ip_address, l.user_agent, l.bucket, e.access_key_id, s.span_id,
       count(*) as requests
from access_log_lines l
join possible_requesters q on q.requester = l.requester
join operation_names o on o.operation = l.operation
join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
left join candidate_spans s
    on s.principal_arn = q.principal_arn and not s.by_service
   and s.day = date_trunc('day', l.event_time) and l.event_time >= s.start_time and l.event_time < s.end_time
where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write') and e.access_key_id is not null
  and o.half = 'whole' and l.presigned_access_key_id is null and l.remote_ip is not null
  and l.event_time >= :baseline_start and l.event_time < :window_end
group by q.principal_arn, l.remote_ip, l.user_agent, l.bucket, e.access_key_id, s.span_id
order by q.principal_arn, l.remote_ip, l.user_agent, l.bucket, e.access_key_id, s.span_id
