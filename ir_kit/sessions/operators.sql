-- Which operators use the reached credentials, and what did each do? The most unusual first.
-- Grain: one row per operator; empty if none.
-- Cannot see: two people who work from one address with one user agent.
with ranked as (
    select *, list_position(['new', 'unclear', 'familiar'], verdict) as rank, if(seen_in = 'both', log_bytes_sent, null) as more_bytes from sessions
),
verdicts as (
    select operator_id, arg_max((verdict, rank), (weight, -rank)) as most
    from (select operator_id, verdict, rank, sum(greatest(1, event_count)) as weight from ranked group by all)
    group by operator_id
),
summed as (
    select operator_id, max(novelty) as novelty, if(count(distinct label) > 1, 'mixed', min(label)) as label, count(*) as sessions,
           cast(sum(event_count) as bigint) as event_count, cast(sum(error_count) as bigint) as error_count,
           cast(coalesce(sum(log_request_count), 0) as bigint) as log_request_count,
           cast(coalesce(sum(bytes_sent) + coalesce(sum(more_bytes), 0), sum(more_bytes)) as bigint) as bytes_sent,
           min(start_time) as first_time, max(end_time) as last_time,
           len(list_distinct(flatten(list(generate_series(date_trunc('day', start_time), end_time, interval '1' day))))) as days,
           list_sort(list(distinct access_key_id)) as access_key_ids,
           list_sort(coalesce(list(distinct source_ip_address) filter (source_ip_address <> ''), [])) as source_ip_addresses,
           list_sort(coalesce(list(distinct tool) filter (tool <> ''), [])) as tools,
           flatten(list(string_split(reasons, chr(10)) order by novelty desc, start_time, session_id)) as each_reason, bool_and(is_responder) as is_responder
    from ranked
    group by operator_id
)
select operator_id, most[1] as verdict, * exclude (operator_id, most, each_reason),
       list_filter(each_reason, lambda reason, place: reason <> '' and list_position(each_reason, reason) = place)[:12] as reasons
from summed join verdicts using (operator_id)
order by most[2], novelty desc, first_time, operator_id
