-- Which names of buckets and of their objects hold a word that stands for sensitive data?
-- Grain: one row per bucket and word; names 0 where the bucket's own name holds it, else how many object names do; empty if none.
-- Cannot see: names that no log shows, and words of other languages.
with words as (
    select unnest([' customer%', ' patient%', ' medical%', ' phi %', ' pii %', ' gdpr%', ' personal%', ' confidential%', ' secret %', ' secrets %',
                   ' restricted%', ' sensitive%', ' credential%', ' password%', ' payroll%', ' salary%', ' salaries%', ' employee%', ' passport%',
                   ' ssn %', ' invoice%', ' billing%', ' financ%', ' backup%']) as word
),
names as (
    select bucket, key from events where bucket is not null and key is not null and error_code is null
    union
    select bucket, key from access_log_lines where bucket is not null and key is not null and http_status >= 200 and http_status < 400
    union
    select bucket, cast(null as varchar) as key from named_buckets
)
select n.bucket, trim(w.word, ' %') as word, count(n.key) as names, min(n.key) as example
from names n
join words w on ' ' || translate(lower(coalesce(n.key, n.bucket)), '/-_.=+,', '       ') || ' ' like '%' || w.word
group by n.bucket, w.word, n.key is null
order by n.bucket, names > 0, names desc, word
