-- Which credentials derive from those in `links`, by the strongest rule that gives any?
-- Grain: one row per credential that is not in `links`, in the order of time; empty if none.
-- Cannot see: credentials that were issued and used while nothing was logged; those issued before the window are not looked for.
-- A rule would rather miss a link than accuse a stranger: what somebody else is seen to have issued is somebody else's.
-- `trusts` (a policy, read) and `is_known_good` (an address of the owner's) are functions of lineage.py.
with recursive candidates as (from unattributed_credentials anti join links using (access_key_id)),
calls as (
    select k.* from credential_calls k join links l using (access_key_id) where k.in_window and k.event_time >= l.since
),
sign_ins as (
    select c.access_key_id, s.event_time, epoch(c.created) - epoch(s.event_time) as seconds
    from credential_calls s
    join candidates c on case when s.user_identity_type = 'IAMUser' then coalesce(s.user_identity_user_name, user_name(s.user_identity_arn))
                              else s.user_identity_arn end = case when c.kind = 'IAMUser' then user_name(c.arn) else c.arn end
    where s.event_name = 'ConsoleLogin' and s.sign_in_result = 'Success' and s.in_window and seconds between -5 and 12 * 3600
),
hours as (
    select access_key_id, user_identity_arn as arn, min(session_creation_date) as session_creation_date,
           min(first_time) as first_time, max(last_time) as last_time
    from principal_uses where direct and in_window
    group by access_key_id, user_identity_arn, hour
),
outside as (
    select *, role_name(role_arn) as role, coalesce(user_identity_account_id, provider_arn, user_identity_principal_id) as outsider
    from credential_calls
    where event_time >= :baseline_start and event_time < :window_end
      and event_name in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
      and (user_identity_type in ('SAMLUser', 'WebIdentityUser')
           or (user_identity_type in ('AWSAccount', 'AssumedRole', 'IAMUser', 'Root', 'FederatedUser')
               and user_identity_account_id is distinct from recipient_account_id))
),
trusted as (  -- with the last change before that lets them in; who had access without any is left out
    from (select *, (select max({'time': k.event_time, 'event_id': k.event_id, 'parent': k.access_key_id, 'call': k.call})
               from calls k
               where k.event_name in ('UpdateAssumeRolePolicy', 'CreateRole') and k.role_name = o.role and k.event_time <= o.event_time
                 and trusts(k.policy_document, o.user_identity_type, coalesce(o.user_identity_principal_id, ''), coalesce(o.provider_arn, ''),
                            coalesce(o.user_identity_account_id, ''))
              ) as change from outside o)
    qualify bool_and(change is not null) over (partition by role, outsider order by event_time, event_id)
),
direct as (select *, unnest(sources, max_depth := 2) from candidates where not from_console),
issuers as (
    select issued_access_key_id as child, arg_min(access_key_id, event_time) as issuer
    from credential_calls where issued_access_key_id is not null
    group by all
),
descent as (
    select distinct access_key_id, access_key_id as ancestor, 0 as depth from principal_uses
    union
    select d.access_key_id, i.issuer, d.depth + 1 from descent d join issuers i on i.child = d.ancestor where d.depth < 9
),
source_uses as (
    select source_ip_address as address, client, access_key_id, user_agent, l.since,
           min(first_time) filter (in_window) as first_time, max(last_time) as last_time,
           case when l.since is not null then case when bool_or(not in_window) then 'owner' end
                when access_key_id in (select access_key_id from unattributed_credentials) then null
                when access_key_id in (select access_key_id from descent where ancestor in (:access_keys)) then 'owner'
                when access_key_id in (select access_key_id from descent where ancestor in (select access_key_id from direct)) then null
                else 'stranger' end as whose
    from principal_uses left join links l using (access_key_id)
    where direct
    group by source_ip_address, client, access_key_id, user_agent, l.since
),
sources as (
    select address, client, bool_or(since is not null and first_time is not null) as shared,
           coalesce(bool_or(whose = 'owner'), false) or coalesce(is_known_good(address), false) as owners,
           coalesce(bool_or(whose = 'stranger'), false) as strangers
    from source_uses
    group by address, client
),
suspects as (
    select d.* exclude (address, client), min({'address': address, 'client': client}) filter (shared).address as address
    from direct d join sources s using (address, client)
    where not (kind in ('IAMUser', 'Root', 'FederatedUser') and access_key_id in (select access_key_id from sign_ins where seconds <= 5))
    group by all
    having bool_or(shared) and not bool_or(strangers)
       and not (kind = 'AssumedRole' and bool_and(owners) filter (shared)
                and not coalesce(role_name(arn) in (select role_name(coalesce(principal_arn, principal)) from links), false))
),
found as (
    select 0 as rule, issued_access_key_id as access_key_id, access_key_id as parent, event_time as from_time, event_time as issued_at,
           'the answer to ' || event_name || ' names it' as basis, event_name as link_event_name, event_id as link_event_id,
           issued_to as principal_arn, role_arn as principal, expires, event_id as tie
    from calls
    where issued_access_key_id is not null
    union all by name
    -- An issuing call is logged, its answer without a key; a credential of that principal was created in that second.
    select 1 as rule, c.access_key_id, k.access_key_id as parent, k.event_time as at, k.event_id as tie,
           k.call || ' names no key; this credential of the same principal was created in that second' as basis
    from calls k join candidates c on abs(epoch(c.created) - epoch(k.event_time)) <= 1 and not c.from_console
    where k.issued_access_key_id is null and case k.event_name
        when 'GetSessionToken' then c.kind in ('IAMUser', 'Root') and c.arn = k.user_identity_arn
        when 'GetFederationToken' then c.kind = 'FederatedUser' and ends_with(c.arn, ':federated-user/' || k.name)
        else k.event_name in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity') and c.kind = 'AssumedRole'
             and same_role(coalesce(k.role_arn, k.issued_principal_arn), c.arn)
             and coalesce(k.role_session_name, session_name(k.issued_principal_arn), session_name(c.arn)) is not distinct from session_name(c.arn)
        end
    union all by name
    -- A user's password was set; the user's console sessions after it derive from it, until somebody else sets it anew.
    select 2 as rule, c.access_key_id, k.access_key_id as parent,
           k.call || ' set the password of ' || user_name(c.arn) || ', who then '
           || coalesce('signed in at ' || strftime(s.signed_in, '%Y-%m-%dT%H:%M:%SZ'), 'opened a console session whose sign-in is not in the evidence') as basis
    from candidates c
    left join (select access_key_id, min(event_time) as signed_in from sign_ins where seconds <= 5 group by all) s using (access_key_id)
    join calls k on coalesce(k.user_name, user_name(k.user_identity_arn)) = user_name(c.arn) and k.event_time <= coalesce(s.signed_in, c.created)
    where k.event_name in ('CreateLoginProfile', 'UpdateLoginProfile') and c.kind = 'IAMUser' and (s.signed_in is not null or c.from_console)
      and not exists (from credential_calls r anti join links using (access_key_id)
                      where r.event_name in ('CreateLoginProfile', 'UpdateLoginProfile', 'DeleteLoginProfile') and r.user_name = user_name(c.arn)
                        and r.in_window and r.event_time between k.event_time and c.created)
    qualify row_number() over (partition by c.access_key_id order by k.event_time desc, k.event_id desc) = 1
    union all by name
    -- It was changed whom a role trusts; somebody from outside, named there, then assumed it.
    select 3 as rule, coalesce(c.access_key_id, t.issued_access_key_id) as access_key_id, t.change.parent as parent, t.event_id as tie,
           case when c.created is null then t.event_time end as from_time, from_time as issued_at,
           coalesce(c.arn, t.issued_principal_arn) as principal_arn, case when c.created is null then t.role_arn end as principal,
           t.change.call || ' made the role ' || t.role || ' trust ' || coalesce(t.outsider, 'somebody outside') || ', who then assumed it' as basis
    from trusted t
    left join candidates c on t.issued_access_key_id is null and c.kind = 'AssumedRole' and same_role(t.role_arn, c.arn)
        and abs(epoch(c.created) - epoch(t.event_time)) <= 1
    union all by name
    -- A role was created; a session of it, of an instance for example, derives from it.
    select 4 as rule, c.access_key_id, k.access_key_id as parent, k.event_time as at, k.event_id as tie,
           k.call || ' created the role; no record shows who opened this session' as basis
    from calls k join candidates c on role_name(c.arn) = k.role_name and k.event_time <= c.created
    where k.event_name = 'CreateRole' and c.kind = 'AssumedRole'
    union all by name
    -- A user was created; whatever credential the user has derives from it.
    select 5 as rule, h.access_key_id, k.access_key_id as parent, k.event_time as at, k.event_id as tie,
           coalesce(h.session_creation_date, h.first_time) as from_time, h.session_creation_date as issued_at, h.arn as principal_arn,
           k.call || ' created the user; no record shows who issued this credential' as basis
    from calls k join hours h on h.arn = k.issued_to and coalesce(h.session_creation_date, h.first_time) >= k.event_time
    where k.event_name = 'CreateUser' and k.event_source = 'iam.amazonaws.com' and k.user_name is not null
      and h.access_key_id not in (select child from issuers)
    union all by name
    -- A workload was started that works as a role; AWS names its session after the instance, task, build or function.
    select 6 as rule, c.access_key_id, k.access_key_id as parent, k.event_time as at, k.event_id as tie,
           k.call || ' started ' || session_name(c.arn) || ', whose session of its role this is' as basis
    from (select *, unnest(coalesce(workloads, []) || [function_name]) as started from calls) k
    join candidates c on k.started = regexp_replace(session_name(c.arn), '^AWSCodeBuild-', '') and k.event_time <= c.created
    where c.kind = 'AssumedRole' and (k.function_name is null or same_role(k.function_role_arn, c.arn))
    union all by name
    -- A role of another account was assumed, whose log alone says by which principal. Spares a principal of whom another credential was in use.
    select 7 as rule, k.issued_access_key_id as access_key_id, u.access_key_id as parent, k.event_id as tie, k.event_time as from_time,
           k.event_time as issued_at, k.issued_principal_arn as principal_arn, k.role_arn as principal,
           k.event_name || ' at ' || k.clock || ', in the log of the role''s account alone, names the principal of this credential as the '
           || 'caller; no other credential of it was used in the window' as basis
    from credential_calls k join principal_uses u using (user_identity_principal_id)
    where k.in_window and k.event_name = 'AssumeRole' and k.user_identity_type = 'AWSAccount' and k.access_key_id is null
      and user_identity_principal_id <> '' and u.user_identity_arn is not null
      and not exists (from issuers i where i.child = k.issued_access_key_id and i.issuer is not null)
      and not exists (from hours h anti join links using (access_key_id) where h.arn = u.user_identity_arn)
    union all by name
    -- A key of a compromised session: AWS services that act for it get keys of their own, with its time of creation.
    select 8 as rule, c.access_key_id, l.access_key_id as parent, -l.number as number,
           'the same session as ' || l.access_key_id || ': same principal, same time of creation' as basis
    from candidates c join links l on l.principal_arn = c.arn and l.issued_at = c.created
    where l.link <> 'seed' and l.access_key_id not like 'AKIA%' and (c.forwarded or c.kind in ('AssumedRole', 'FederatedUser'))
    union all by name
    -- A console that it opened with a sign-in token, which can be used for a quarter of an hour.
    select 8 as rule, c.access_key_id, k.access_key_id as parent, k.event_time as at, k.event_id as tie,
           k.call || ' opened a console for the same principal' as basis
    from calls k
    join candidates c on k.user_identity_arn = c.arn
        and epoch(c.created) - epoch(k.event_time)
            between 0 and case when c.access_key_id in (select access_key_id from sign_ins where seconds <= 5) then 900 else 5 end
    where k.event_name = 'GetSigninToken'
      and not exists (from links l where l.principal_arn = c.arn and l.issued_at = c.created and l.link <> 'seed' and l.access_key_id not like 'AKIA%')
    union all by name
    -- A role was taken up in the console, by a name and from an address at which, of that name, only compromised sessions were.
    select 9 as rule, c.access_key_id, s.event_time as at, s.event_id as tie,
           max({'time': h.first_time, 'key': h.access_key_id}) filter (s.event_time between h.first_time and h.last_time + interval 12 hour).key as parent,
           'SwitchRole at ' || s.clock || ' from ' || s.source_ip_address || ', where of the sessions of that name only compromised ones were used' as basis
    from credential_calls s
    join candidates c on c.arn = s.user_identity_arn and abs(epoch(c.created) - epoch(s.event_time)) <= 5
    join (select access_key_id, source_ip_address as address, regexp_replace(user_identity_arn, '^.*/', '') as name,
                 min(first_time) as first_time, max(last_time) as last_time
          from principal_uses where direct and in_window and session_creation_date is not null group by all) h
        on h.address = s.source_ip_address and h.name = session_name(s.user_identity_arn)
    left join links l on l.access_key_id = h.access_key_id
    where s.event_name = 'SwitchRole' and s.sign_in_result = 'Success' and s.event_source = 'signin.amazonaws.com' and s.in_window
      and h.access_key_id not in (select o.access_key_id from candidates o
                                  where o.arn = s.user_identity_arn and abs(epoch(o.created) - epoch(s.event_time)) <= 5)
    group by c.access_key_id, s.event_time, s.event_id, s.clock, s.source_ip_address
    having parent is not null and bool_and(l.since is not null)
    union all by name
    -- An AWS service acted for a user of whom, within an hour, only compromised credentials were in use, and no console.
    select 10 as rule, c.access_key_id,
           coalesce(min({'distance': h.distance, 'key': h.access_key_id}) filter (l.since <= c.created).key, o.holder) as parent,
           'an AWS service acted for the same user; within an hour no credential of the user that is not compromised was used directly' as basis
    from candidates c
    join (select principal_arn as arn, arg_min(access_key_id, number) as holder from links where access_key_id like 'AKIA%' group by all) o using (arn)
    left join (select d.access_key_id as candidate, h.access_key_id,
                      greatest(epoch(h.first_time) - epoch(d.created), epoch(d.created) - epoch(h.last_time), 0) as distance
               from candidates d join hours h using (arn)
               where h.session_creation_date is null or h.session_creation_date <= d.created) h on h.candidate = c.access_key_id
    left join links l on l.access_key_id = h.access_key_id
    where c.forwarded and not c.from_console and c.kind in ('IAMUser', 'Root') and c.access_key_id not in (select access_key_id from sign_ins)
    group by c.access_key_id, o.holder
    having not coalesce(bool_or(h.distance <= 3600 and l.since is null), false)
    union all by name
    -- No issuing call is in the evidence; a session from an address and with a user agent that only compromised credentials used. Spares everybody
    -- whose own credentials ever used these, console sessions of the owner, and, from where the owner works, roles that were never seen assumed.
    select 11 as rule, c.access_key_id, l.access_key_id as parent,
           'no issuing call is in the evidence; used from ' || c.address || ' with a user agent that only compromised credentials used there' as basis
    from suspects c
    join direct d using (access_key_id)
    join source_uses u on u.address = d.address and u.client = d.client and u.first_time is not null
    join links l on l.access_key_id = u.access_key_id and l.since <= c.created
    -- by what AWS allows: how long the parent lasts, which kind issues which, that a chained session lasts no longer than an hour
    where (l.access_key_id like 'AKIA%' or l.link = 'seed'
           or c.created <= coalesce(l.expires, l.since + case when l.principal_arn like '%:assumed-role/%' then interval 12 hour else interval 36 hour end))
      and case when c.kind = 'AssumedRole'
               then coalesce(l.principal_arn, '') not like '%:federated-user/%'
                    and (coalesce(l.principal_arn, '') not like '%:assumed-role/%' or c.last_time - c.created <= interval 1 hour)
               else l.access_key_id like 'AKIA%' and l.principal_arn = case when c.kind = 'FederatedUser' then c.issuer_arn else c.arn end
                    and greatest(epoch(u.first_time) - epoch(c.created), epoch(c.created) - epoch(u.last_time)) <= 12 * 3600 end
    qualify row_number() over (partition by c.access_key_id order by
        greatest(epoch(u.first_time) - epoch(c.created), epoch(c.created) - epoch(u.last_time), 0), l.since, l.access_key_id) = 1
)
select f.access_key_id, f.parent as parent_access_key_id, case f.rule when 0 then 'observed' else 'inferred' end as link,
       coalesce(f.from_time, c.created) as since, f.basis as link_basis, f.link_event_name, f.link_event_id,
       coalesce(f.issued_at, c.created) as issued_at, coalesce(f.principal_arn, c.arn) as principal_arn, f.principal, f.expires, l.depth + 1 as depth
from found f join links l on l.access_key_id = f.parent left join candidates c on c.access_key_id = f.access_key_id
where coalesce(f.from_time, c.created) >= l.since and f.access_key_id not in (select access_key_id from links)
qualify f.rule = min(f.rule) over ()
    and row_number() over (partition by f.rule, f.access_key_id order by coalesce(f.from_time, c.created), f.at, f.number, f.tie, f.parent) = 1
order by coalesce(f.from_time, c.created), f.access_key_id
