-- Whom do the access logs name as requester?
-- Grain: one row per requester.
-- Cannot see: which key signed a request whose signature was in a header.
select requester, min(bucket_owner) as bucket_owner, count(*) as lines
from access_log_lines
where requester is not null
group by requester
order by requester
