-- Which of these credentials go back to one of the ancestors, whenever they were issued?
-- Grain: one row per credential; empty if none. Chains of more than nine links are not followed.
-- Cannot see: issuing calls that are not in the evidence.
with recursive issued as (
    select issued_access_key_id as child, arg_min(access_key_id, event_time) as parent
    from events where issued_access_key_id is not null
    group by issued_access_key_id
),
chain as (
    select child as access_key_id, parent, 1 as depth from issued where child in (:keys)
    union
    select c.access_key_id, i.parent, c.depth + 1 from chain c join issued i on i.child = c.parent where c.depth < 9
)
select distinct access_key_id from chain where parent in (:ancestors)
union
select access_key_id from (select unnest([:keys]) as access_key_id) where access_key_id in (:ancestors)
order by access_key_id
