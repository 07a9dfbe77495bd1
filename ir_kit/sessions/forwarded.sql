-- Whose are calls that an AWS service made for the principal, by direct use within an hour, else by the service's habit in the baseline?
-- Grain: one row per forwarded session; a service that did other things in the baseline has no habit.
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
habits as (
    select lineage_id, source_ip_address, count(distinct cast(hour as date)) filter (period = 'baseline') as days
    from uses
    anti join (select lineage_id, source_ip_address from source_values where kind <> 'handshake'
               group by lineage_id, source_ip_address, kind, value having not bool_or(period = 'baseline')) using (lineage_id, source_ip_address)
    group by all
),
together as (
    select f.*, coalesce(b.session_count, 0) as session_count, coalesce(b.verdicts, []) as verdicts, b.operator_id as operator_beside,
           coalesce(b.novelty, 0.5) as novelty_beside, coalesce(h.days, 0) as days
    from judged f
    left join beside b on b.session_id = f.session_id
    left join habits h on h.lineage_id = f.lineage and h.source_ip_address = coalesce(f.source_ip_address, '')
    where f.forwarded
)
select session_id,
       case when len(verdicts) <> 1 then if(days > 0, 'familiar', 'unclear') when days > 0 and verdicts[1] = 'new' then 'unclear'
            else verdicts[1] end as verdict,
       if(days > 0 and len(verdicts) <> 1, least(novelty_beside, 0.1), novelty_beside) as novelty,
       coalesce(operator_beside, 'o-' || sha256(concat_ws(chr(31), access_key_id, coalesce(source_ip_address, ''), coalesce(user_agent, '')))[:12])
           as operator_id,
       list_filter([format('made by {} for the principal, so its address and agent are not compared', coalesce(invoked_by, source_ip_address)),
                    concat_ws(', ', format('judged by {} direct sessions within an hour', session_count),
                              list_aggregate(verdicts, 'string_agg', ' and ')),
                    if(days > 0, format('this service did the same for the principal on {} days of the baseline', days), null)],
                   lambda reason: reason is not null) as reasons
from together
