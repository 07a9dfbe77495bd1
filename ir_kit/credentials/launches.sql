-- Which successful calls by these credentials started what works as a role of its own: an instance, a task, a build, a function?
-- Grain: one row per such call; empty if none.
-- Cannot see: what a template, a schedule or a scaling group starts, and code that was put into a function that was there.
select event_time, event_id, event_name, access_key_id, response_elements,
       case when event_source = 'lambda.amazonaws.com'
            then regexp_replace(json_extract_scalar(request_parameters, '$.functionName'), '^.*:', '') end as function_name,
       json_extract_scalar(request_parameters, '$.role') as role_arn
from events
where event_time >= :window_start and event_time < :window_end and error_code is null
  and access_key_id in (:keys)
  and ((event_source = 'ec2.amazonaws.com' and event_name = 'RunInstances')
       or (event_source = 'ecs.amazonaws.com' and event_name in ('RunTask', 'StartTask'))
       or (event_source = 'codebuild.amazonaws.com' and event_name in ('StartBuild', 'RetryBuild'))
       or (event_source = 'lambda.amazonaws.com' and (event_name = 'CreateFunction' or event_name like 'CreateFunction2%')))
order by event_time, event_id, recipient_account_id
