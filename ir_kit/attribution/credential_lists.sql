-- Are the credentials of each principal all known, so that the only candidate may be taken for the right one?
-- Grain: one row per principal. `is_explained`: IAM listed the user's keys (sessions have none), and each session was issued by a call that was
-- seen, by a console, or while nothing was recorded. `session_hours`: how long a session may last.
-- Cannot see: credentials of which nothing in the evidence speaks.
select distinct p.principal_arn, user_name(p.principal_arn) is not null as is_user,
       case when is_user or p.principal_arn like '%:federated-user/%' then 36 else 12 end as session_hours,
       case when is_user then exists (from listed_keys l where l.account_id = account_of_arn(p.principal_arn) and l.user_name = user_name(p.principal_arn))
            else split_part(p.principal_arn, ':', 3) = 'sts' end
       and not exists (from credential_validity v
                       where v.principal_arn = p.principal_arn and v.is_session and not v.for_service and not v.explained
                         and not exists (from management_gaps g where v.created >= g.start_time and v.created < g.end_time)
                         and not exists (from credential_calls k where k.event_name = 'ConsoleLogin' and k.user_identity_arn = v.principal_arn
                                           and abs(epoch(v.created) - epoch(k.event_time)) < 12 * 3600)) as is_explained
from possible_principals p
