-- Which credentials did the principals in question have, and when could each be in use?
-- Grain: one row per principal, credential and stretch of time; `explained`: the call that issued it, or IAM's list, is in the evidence;
-- `created`: of a session, where known; `for_service`: AWS services alone used it for the principal.
-- Cannot see: credentials of which nothing in the evidence speaks. Where begin or end is not known the time is drawn wide (a session as long as
-- it may last), with 5 s before and 15 min after: clocks differ, and an end takes a while to reach every server.
with principals as (
    select distinct principal_arn, user_name(principal_arn) as user_name, account_of_arn(principal_arn) as account_id,
           case when principal_arn like '%:assumed-role/%' then interval 12 hour else interval 36 hour end as longest
    from possible_principals
),
uses as (
    select principal_arn, access_key_id, min(first_time) as first_time, max(last_time) as last_time,
           min(session_creation_date) as session_creation_date, bool_and(for_service) as for_service
    from credential_uses
    group by all
),
calls as (
    from credential_calls
    where event_name in ('CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey')
       or (event_name = 'GetSessionToken' and user_identity_arn in (select principal_arn from principals))
       or issued_principal_arn in (select principal_arn from principals)
       or issued_access_key_id in (select access_key_id from compromised_credentials)
),
issued as (
    from calls
    where issued_access_key_id is not null
    qualify row_number() over (partition by issued_access_key_id order by event_time desc, event_id desc, recipient_account_id desc) = 1
),
owned as (
    select principal_arn, access_key_id from uses
    union
    select principal_arn, access_key_id from compromised_credentials
    union
    select issued_to, issued_access_key_id from calls where event_name <> 'CreateAccessKey'
    union
    select p.principal_arn, l.access_key_id from principals p join listed_keys l using (account_id, user_name)
    union
    select p.principal_arn, unnest([k.named_access_key_id, k.issued_access_key_id])
    from principals p
    join calls k on coalesce(k.user_name, user_name(k.user_identity_arn)) = p.user_name
        and p.account_id in (k.recipient_account_id, account_of_arn(k.user_identity_arn))
    where k.event_name in ('CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey')
),
credentials as (
    select o.principal_arn, o.access_key_id, p.longest, u.first_time, u.last_time, coalesce(u.for_service, false) as for_service,
           i.event_time as issued_at, i.expires, i.duration_seconds, l.create_date, i.event_time is not null as is_issued,
           l.access_key_id is not null as is_listed,
           o.access_key_id like 'AKIA%' or is_listed or coalesce(i.event_name = 'CreateAccessKey', false) as is_long_term,
           coalesce(least(u.session_creation_date, i.event_time), c.issued_at) as created
    from owned o
    join principals p using (principal_arn)
    left join uses u using (principal_arn, access_key_id)
    left join issued i on i.issued_access_key_id = o.access_key_id
    left join listed_keys l on l.account_id = p.account_id and l.user_name = p.user_name and l.access_key_id = o.access_key_id
    left join compromised_credentials c on c.access_key_id = o.access_key_id
    where o.access_key_id is not null
),
switches as (  -- of long-term keys, on and off
    select principal_arn, access_key_id, is_listed or is_issued as explained, 0 as number, true as active,
           coalesce(coalesce(issued_at, create_date) - interval 5 second, timestamp '2006-03-14') as start_time, null as end_time
    from credentials where is_long_term
    union all
    select c.principal_arn, c.access_key_id, is_listed or is_issued, row_number() over (order by k.event_time, k.event_id, k.recipient_account_id),
           k.event_name = 'UpdateAccessKey' and lower(coalesce(k.named_status, '')) <> 'inactive',
           k.event_time - interval 5 second, k.event_time + interval 15 minute
    from credentials c join calls k on k.named_access_key_id = c.access_key_id
    where c.is_long_term and k.event_name in ('UpdateAccessKey', 'DeleteAccessKey')
),
changes as (from switches qualify active is distinct from lag(active) over (partition by principal_arn, access_key_id order by number))
select principal_arn, access_key_id, start_time, false as for_service, explained, false as is_session, null as created,
       coalesce(lead(end_time) over (partition by principal_arn, access_key_id order by number), timestamp '2200-01-01') as end_time
from changes
qualify active
union all by name
select principal_arn, access_key_id, coalesce(created, first_time - longest, timestamp '2006-03-14') - interval 5 second as start_time,
       for_service, is_issued as explained, true as is_session, created,
       greatest(last_time, case when created is null then coalesce(last_time + longest, timestamp '2200-01-01')
                                when is_issued then coalesce(expires, least(created + longest, created + to_seconds(try_cast(duration_seconds as double))))
                                else created + longest end) + interval 15 minute as end_time
from credentials
where not is_long_term
