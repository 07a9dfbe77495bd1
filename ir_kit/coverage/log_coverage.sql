-- Which stretches of the window did data events and the access log of each bucket cover?
-- Grain: one row per bucket in scope and stretch; they tile the window. kind: `both`, `data_events_only`, `access_log_only`,
--        `blind`, or `uncertain`; data_state `partly` where selectors left out a part of the class for as long as they were in effect,
--        log_state `doubtful` where lines came before and after: what did not come then was not delivered.
-- Cannot see: buckets that visibility does not name.
with data_events as (
    select bucket, start_time, end_time,
           case when state <> 'uncertain' then state
                when list_has_any(left_out, ['prefix', 'objects', 'principal', 'event_name', 'combination', 'from_console', 'vpc_endpoint_id',
                                             'error_code', 'read_only', 'request']) then 'partly'
                when :objects_only and left_out = ['listings'] then 'logged' else state end as state
    from visibility
    where record_class = :record_class and bucket is not null
),
access_log as (
    select bucket, start_time, end_time,
           case when state = 'uncertain' and last_value(nullif(state, 'uncertain') ignore nulls) over earlier = 'logged'
                     and first_value(nullif(state, 'uncertain') ignore nulls) over later = 'logged' then 'doubtful' else state end as state
    from visibility
    where record_class = 'server_access_log' and bucket is not null
    window earlier as (partition by bucket order by start_time rows between unbounded preceding and 1 preceding),
           later as (partition by bucket order by start_time rows between 1 following and unbounded following)
)
select d.bucket, greatest(d.start_time, l.start_time) as start_time, least(d.end_time, l.end_time) as end_time, d.state as data_state, l.state as log_state,
       case when d.state = 'logged' then if(l.state in ('logged', 'doubtful'), 'both', 'data_events_only')
            when l.state = 'logged' then 'access_log_only'
            when d.state in ('not_logged', 'lost', 'unknown') and l.state in ('not_logged', 'lost', 'unknown') then 'blind'
            else 'uncertain' end as kind
from data_events d
join access_log l on l.bucket = d.bucket and l.start_time < d.end_time and d.start_time < l.end_time
order by d.bucket, start_time
