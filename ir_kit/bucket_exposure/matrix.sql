-- How far open is each bucket by each source of grants?
-- Grain: one row per bucket in scope and path, closed where nothing is set; empty if no bucket is in scope.
-- Cannot see: settings that were not collected; they are unknown.
with judged as (
    select *, case when public_status = 'yes' then 1 when cross_account_status = 'yes' then 2 when effective_status = 'unknown' then 4
                   when effective_status = 'yes' then 3 when grantee is not null and blocked_by is not null then 5 else 6 end as width
    from exposure_grants
),
by_path as (
    select bucket, path, min(width) as width, count(grantee) as ways, arg_min(detail, (width, number)) as detail,
           (list(grantee order by number) filter (width = widest and nth = 1 and grantee is not null))[1:10] as grantees
    from (select *, min(width) over (partition by bucket, path) as widest,
                 row_number() over (partition by bucket, path, width, grantee order by number) as nth from judged)
    group by all
)
select bucket, path, ['public', 'cross_account', 'own_account', 'unknown', 'blocked', 'closed'][coalesce(width, 6)] as state, coalesce(ways, 0) as ways,
       coalesce(grantees, []) as grantees, detail
from exposure_buckets cross join (select path from exposure_grants union select unnest(['policy', 'acl']))
left join by_path using (bucket, path)
order by bucket,
         list_position(['policy', 'acl', 'object_acl', 'access_point', 'multi_region_access_point', 'access_grant', 'website', 'replication',
                        'inventory', 'analytics', 'identity_policy'], path) nulls last, path
