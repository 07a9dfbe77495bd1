-- Which principals do the logs name in requests to S3?
-- Grain: one row per ARN, of the caller or of the role behind its session.
-- Cannot see: callers of whom the owner's copy of an event shows the account alone.
select distinct arn
from (
    select requester as arn from access_log_lines
    union all
    select unnest([user_identity_arn, session_issuer_arn]) from events where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com')
)
where arn like 'arn:%'
order by arn
