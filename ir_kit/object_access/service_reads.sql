-- Which calls of compromised credentials set AWS services reading, copying or moving objects, and what did the services read then?
-- Grain: one row per call in the window, failed ones included; reads are those of that service after the call, on the buckets that it names, else all.
-- Cannot see: a service's reads where data events were off, or under a role that does not name the service; calls while management events were off.
with movers (event_source, event_names, host, could_move) as (
    values ('athena', ['StartQueryExecution'], 'athena', 'whatever its query reads, into the bucket of its results'),
           ('athena', ['StartSession'], 'athena', null), ('glue', ['StartJobRun', 'CreateSession'], 'glue', null),
           ('glue', ['StartCrawler'], 'glue', 'samples of the objects below its targets'),
           ('datasync', ['StartTaskExecution'], 'datasync', 'every object of the source location'),
           ('datasync', ['CreateTask'], 'datasync', 'every object of the source location, once it is started'),
           ('s3', ['CreateJob', 'JobCreated'], 'batchoperations.s3', 'every object that its manifest names'),
           ('s3', ['PutBucketReplication'], 's3', 'every object written to the bucket from then on'),
           ('s3', ['PutBucketInventoryConfiguration', 'PutInventoryConfiguration'], 's3',
            'the names of all objects of the bucket, not their content'),
           ('transfer', ['CreateServer'], 'transfer', 'whatever the roles of its users may read'),
           ('transfer', ['CreateUser'], 'transfer', 'whatever its role may read'), ('transfer', ['StartFileTransfer'], 'transfer', 'the files that it names'),
           ('elasticmapreduce', ['RunJobFlow', 'AddJobFlowSteps'], 'elasticmapreduce', null), ('emr-serverless', ['StartJobRun'], 'emr-serverless', null),
           ('sagemaker', ['CreateTrainingJob', 'CreateProcessingJob'], 'sagemaker', null), ('codebuild', ['StartBuild'], 'codebuild', null),
           ('redshift-data', ['ExecuteStatement'], 'redshift', 'whatever a COPY in it reads'),
           ('backup', ['StartBackupJob'], 'backup', 'every object of the bucket that it names'),
           ('backup', ['StartCopyJob', 'StartRestoreJob'], 'backup', 'every object of the recovery point'),
           ('macie2', ['CreateClassificationJob'], 'macie', 'nothing out of the account, but findings about contents'),
           ('bedrock', ['CreateModelInvocationJob'], 'bedrock', 'the objects of its input')
),
calls as (
    select e.event_time, e.event_id, e.access_key_id, e.event_source, e.event_name, e.aws_region, e.error_code, e.request_parameters,
           coalesce(m.could_move, 'whatever its role may read, to wherever it may write') as could_move, m.host || '.amazonaws.com' as host,
           list_sort(list_distinct(list_filter(
               regexp_extract_all(coalesce(e.request_parameters, ''), '(?:s3[an]?://|arn:aws[\w-]*:s3:::)([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])', 1) || [e.bucket],
               lambda name: name <> ''))) as buckets
    from events e
    join movers m on e.event_source = m.event_source || '.amazonaws.com' and e.event_name in m.event_names
    where e.access_key_id in (select access_key_id from compromised_credentials) and e.event_time >= :window_start and e.event_time < :window_end
),
reads as (
    select coalesce(invoked_by, source_ip_address) as host, bucket, count(*) as reads, sum(coalesce(bytes_out, 0)) as bytes_sent, max(event_time) as last_time
    from events
    where event_source = 's3.amazonaws.com' and event_name in ('GetObject', 'CopyObject', 'SelectObjectContent') and error_code is null
      and event_time >= :window_start and event_time < :window_end and (invoked_by is not null or source_ip_address like '%.amazonaws.com')
    group by 1, 2
)
select event_time, event_id, access_key_id, event_source, event_name, aws_region, outcome(error_code) as outcome, buckets,
       if(error_code is null, could_move, 'nothing: the call failed') as could_have_moved, if(error_code is null, reads, null) as reads_seen,
       if(error_code is null, bytes_sent, null) as bytes_seen, left(coalesce(request_parameters, ''), 2000) as detail
from calls c
join lateral (
    select coalesce(sum(r.reads), 0)::bigint as reads, coalesce(sum(r.bytes_sent), 0)::bigint as bytes_sent
    from reads r
    where r.host = c.host and r.last_time >= c.event_time and (len(c.buckets) = 0 or list_contains(c.buckets, r.bucket))
) on true
order by event_time, event_id, access_key_id
