-- Which operators use the reached credentials, and what did each do? The most unusual first.
-- Grain: one row per operator; empty if none.
-- Cannot see: two people who work from one address with one user agent.
with ranked as (
    select *, list_position(['new', 'unclear', 'familiar'], verdict) as rank, case when seen_in = 'both' then log_bytes_sent end as more_bytes
    from sessions
),
verdicts as (
    select operator_id, first(verdict order by weight desc, rank) as verdict, first(rank order by weight desc, rank) as rank
    from (select operator_id, verdict, rank, sum(greatest(1, event_count)) as weight from ranked group by all)
    group by all
),
days as (
    select operator_id, count(distinct day) as days
    from (select operator_id, unnest(generate_series(date_trunc('day', start_time), end_time, interval '1' day)) as day from sessions)
    group by all
),
each_reason as (
    select operator_id, novelty, start_time, session_id, unnest(list_zip(range(1, 100), string_split(reasons, chr(10))[:99])) as item from sessions
),
reasons as (
    select operator_id, list(reason order by place)[:12] as reasons
    from (select operator_id, item[2] as reason, min((-novelty, start_time, session_id, item[1])) as place from each_reason where item[2] <> '' group by all)
    group by all
)
select r.operator_id, v.verdict, max(r.novelty) as novelty, case when count(distinct r.label) > 1 then 'mixed' else min(r.label) end as label,
       count(*) as sessions, cast(sum(r.event_count) as bigint) as event_count, cast(sum(r.error_count) as bigint) as error_count,
       cast(coalesce(sum(r.log_request_count), 0) as bigint) as log_request_count,
       cast(coalesce(sum(r.bytes_sent) + coalesce(sum(r.more_bytes), 0), sum(r.more_bytes)) as bigint) as bytes_sent,
       min(r.start_time) as first_time, max(r.end_time) as last_time, d.days, list_sort(list(distinct r.access_key_id)) as access_key_ids,
       list_sort(coalesce(list(distinct r.source_ip_address) filter (r.source_ip_address <> ''), [])) as source_ip_addresses,
       list_sort(coalesce(list(distinct r.tool) filter (r.tool <> ''), [])) as tools, coalesce(s.reasons, []) as reasons,
       bool_and(r.is_responder) as is_responder
from ranked r join verdicts v using (operator_id) join days d using (operator_id) left join reasons s using (operator_id)
group by r.operator_id, v.verdict, v.rank, d.days, s.reasons
order by v.rank, max(r.novelty) desc, min(r.start_time), r.operator_id
