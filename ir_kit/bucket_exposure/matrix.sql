-- How far open is each bucket by each source of grants?
-- Grain: one row per bucket in scope and path, closed where nothing is set; empty if no bucket is in scope.
-- Cannot see: settings that were not collected; they are unknown.
with judged as (
    select g.*, case when public_status = 'yes' then 1 when cross_account_status = 'yes' then 2 when effective_status = 'unknown' then 4
                     when effective_status = 'yes' then 3 when grantee is not null and blocked_by is not null then 5 else 6 end as width
    from exposure_grants g
),
widest as (
    select * from judged qualify width = min(width) over (partition by bucket, path)
),
grantees as (
    select bucket, path, (list(grantee order by first_number))[1:10] as grantees
    from (select bucket, path, grantee, min(number) as first_number from widest where grantee is not null group by all)
    group by all
),
paths as (
    select path from exposure_grants union select unnest(['policy', 'acl'])
)
select b.bucket, p.path, ['public', 'cross_account', 'own_account', 'unknown', 'blocked', 'closed'][coalesce(w.width, 6)] as state,
       (select count(*) from exposure_grants c where c.bucket = b.bucket and c.path = p.path and c.grantee is not null) as ways,
       coalesce(g.grantees, []) as grantees, w.detail
from exposure_buckets b
cross join paths p
left join (select * from widest qualify number = min(number) over (partition by bucket, path)) w on w.bucket = b.bucket and w.path = p.path
left join grantees g on g.bucket = b.bucket and g.path = p.path
order by b.bucket,
         list_position(['policy', 'acl', 'object_acl', 'access_point', 'multi_region_access_point', 'access_grant', 'website', 'replication',
                        'inventory', 'analytics', 'identity_policy'], p.path) nulls last, p.path
