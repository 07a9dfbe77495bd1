-- In which files, and at which place there, is one run of use recorded?
-- Grain: one row per CloudTrail record of one credential, and per access-log line, from one address with one agent between two times, both included; the first of them.
-- Cannot see: whose an access-log line is, since it names no key: another credential may have shared address and agent.
select 'cloudtrail' as kind, source_file, record_number as number, event_time, event_name, event_id, request_id
from events
where access_key_id = :access_key_id
  and coalesce(source_ip_address, '') = :source_ip_address and coalesce(user_agent, '') = :user_agent
  and event_time >= :first_time and event_time <= :last_time
union all
select 'access_log' as kind, source_file, line_number as number, event_time, operation as event_name,
       cast(null as varchar) as event_id, request_id
from access_log_lines
where coalesce(remote_ip, '') = :source_ip_address and coalesce(user_agent, '') = :user_agent
  and event_time >= :first_time and event_time <= :last_time
order by event_time, kind desc, source_file, number
limit :most
