-- Which object names hold a word that stands for sensitive data?
-- Grain: one row per bucket and word, with how many names hold it; empty if none.
-- Cannot see: names that no log shows, and words of other languages.
with words as (
    select word, pattern from sensitive_words
),
names as (
    select distinct bucket, key
    from events
    where bucket is not null and key is not null and error_code is null
    union
    select distinct bucket, key
    from access_log_lines
    where bucket is not null and key is not null and http_status >= 200 and http_status < 400
)
select n.bucket, w.word, count(*) as names, min(n.key) as example
from names n
join words w on concat(' ', translate(lower(n.key), '/-_.=+,', '       '), ' ') like w.pattern
group by n.bucket, w.word
order by n.bucket, names desc, w.word
