-- What direct use lies within an hour of calls that an AWS service made for the principal, and is the service's use a habit of the baseline?
-- Grain: one row per forwarded session; habit_days is 0 where the service did other things in the baseline.
-- Cannot see: calls that neither log holds.
with judged as (
    select *, string_split(lineage, chr(10)) as principals from judged_sessions
),
beside as (
    select f.session_id, count(*) as session_count, list(distinct d.verdict order by d.verdict) as verdicts,
           case when count(distinct d.operator_id) = 1 then min(d.operator_id) end as operator_id, avg(d.novelty) as novelty
    from judged f
    join judged d
        on list_has_any(f.principals, d.principals) and d.start_time - interval '1' hour <= f.end_time
       and d.end_time + interval '1' hour >= f.start_time
    where f.forwarded and not d.forwarded
    group by f.session_id
),
values_shown as (
    select lineage_id, source_ip_address, kind, value, bool_or(period = 'baseline') as is_usual
    from source_values
    where kind <> 'handshake'
    group by all
),
habits as (
    select lineage_id, source_ip_address, count(distinct cast(hour as date)) filter (period = 'baseline') as days
    from uses u
    where not exists (select 1 from values_shown v
                      where v.lineage_id = u.lineage_id and v.source_ip_address = u.source_ip_address and not v.is_usual)
    group by all
)
select f.session_id, coalesce(b.session_count, 0) as session_count, coalesce(b.verdicts, []) as verdicts, b.operator_id, b.novelty,
       coalesce(h.days, 0) as habit_days
from judged f
left join beside b on b.session_id = f.session_id
left join habits h on h.lineage_id = f.lineage and h.source_ip_address = coalesce(f.source_ip_address, '')
where f.forwarded
