-- Which credentials of each principal could be in use, from when to when, and is the list of them complete?
-- Grain: one row per principal, stretch of time cut where the candidates change, day that it touches, and caller: the principal, or a service for it.
-- Cannot see: credentials of which nothing in the evidence speaks; where one may have been made unrecorded, the list is not complete.
with edges as (
    select principal_arn, unnest([start_time, end_time]) as edge from credential_validity
    union
    select principal_arn, unnest([start_time, end_time, end_time + to_hours(session_hours)]) from credential_lists cross join management_gaps
    union
    select user_identity_arn, unnest([event_time, event_time + interval 12 hour]) from credential_calls where event_name = 'ConsoleLogin'
    union
    select principal_arn, unnest([cast(:baseline_start as timestamp), cast(:match_end as timestamp)]) from credential_lists
),
spans as (
    select principal_arn, edge as start_time, lead(edge) over (partition by principal_arn order by edge) as end_time
    from edges
    where edge between :baseline_start and :match_end
    qualify end_time is not null
),
fitting as (
    select s.principal_arn, s.start_time, s.end_time,
           list(distinct v.access_key_id) filter (not v.for_service) as all_keys,
           list(distinct v.access_key_id) filter (not v.for_service and s.start_time >= v.start_time and s.start_time < v.end_time) as fitting_keys,
           list(distinct v.access_key_id) filter (v.for_service and s.start_time >= v.start_time and s.start_time < v.end_time) as service_keys
    from spans s join credential_validity v using (principal_arn)
    group by all
),
callers as (
    select f.*, unnest([false, true]) as by_service, coalesce(fitting_keys, all_keys, []) as own_keys,
           len(fitting_keys) > 0 and c.is_explained
                and not exists (from credential_calls a where a.event_name = 'ConsoleLogin' and a.user_identity_arn = f.principal_arn
                                  and a.event_time - interval 5 second < f.end_time and f.start_time < a.event_time + interval 12 hour)
                and not exists (from management_gaps g where g.start_time < f.end_time and f.start_time - to_hours(c.session_hours) < g.end_time)
                -- a long-term key that was deleted unrecorded would be missing from IAM's list
                and not (c.is_user and exists (from management_gaps g where g.end_time > f.start_time and g.end_time <> timestamp '2200-01-01')) as complete
    from fitting f join credential_lists c using (principal_arn)
)
select principal_arn, by_service, start_time, end_time,
       unnest(generate_series(date_trunc('day', start_time), end_time - interval 1 microsecond, interval 1 day)) as day,
       list_sort(if(by_service, list_distinct(own_keys || coalesce(service_keys, [])), own_keys)) as candidates,
       complete and not by_service as complete,
       if(complete and not by_service and len(own_keys) = 1, own_keys[1], null) as only_access_key_id,
       list_has_any(candidates, (select list(access_key_id) from compromised_credentials)) as possible
from callers
order by principal_arn, by_service, start_time, day
