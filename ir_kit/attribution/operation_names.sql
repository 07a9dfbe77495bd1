-- What does CloudTrail call the requests that an access log names by operation?
-- Grain: one row per operation. half: what a line tells of, the `whole` request, the `source` half of a copy (in the log of the bucket that
--        was read), or one key of a `batch` delete. needs_key: without a key it is a call on the bucket's configuration, no object access.
-- Source: S3 User Guide, "Amazon S3 server access log format"; field guide 1.3.
select operation, event_name, 'whole' as half, true as needs_key
from (values
    ('REST.GET.OBJECT', 'GetObject'), ('WEBSITE.GET.OBJECT', 'GetObject'), ('SOAP.GetObject', 'GetObject'), ('REST.HEAD.OBJECT', 'HeadObject'),
    ('WEBSITE.HEAD.OBJECT', 'HeadObject'), ('REST.PUT.OBJECT', 'PutObject'), ('SOAP.PutObject', 'PutObject'), ('REST.POST.OBJECT', 'PostObject'),
    ('REST.DELETE.OBJECT', 'DeleteObject'), ('SOAP.DeleteObject', 'DeleteObject'), ('REST.COPY.OBJECT', 'CopyObject'),
    ('REST.COPY.PART', 'UploadPartCopy'), ('REST.POST.UPLOADS', 'CreateMultipartUpload'), ('REST.PUT.PART', 'UploadPart'),
    ('REST.POST.UPLOAD', 'CompleteMultipartUpload'), ('REST.DELETE.UPLOAD', 'AbortMultipartUpload'), ('REST.GET.UPLOAD', 'ListParts'),
    ('REST.GET.ACL', 'GetObjectAcl'), ('REST.PUT.ACL', 'PutObjectAcl'), ('REST.GET.OBJECT_TAGGING', 'GetObjectTagging'),
    ('REST.PUT.OBJECT_TAGGING', 'PutObjectTagging'), ('REST.DELETE.OBJECT_TAGGING', 'DeleteObjectTagging'),
    ('REST.GET.OBJECT_ATTRIBUTES', 'GetObjectAttributes'), ('REST.POST.RESTORE', 'RestoreObject'), ('REST.GET.RETENTION', 'GetObjectRetention'),
    ('REST.PUT.RETENTION', 'PutObjectRetention'), ('REST.GET.LEGAL_HOLD', 'GetObjectLegalHold'), ('REST.PUT.LEGAL_HOLD', 'PutObjectLegalHold'),
    ('REST.SELECT.OBJECT', 'SelectObjectContent'), ('REST.POST.OBJECT_SELECT', 'SelectObjectContent'),
    ('REST.POST.SELECT', 'SelectObjectContent'), ('REST.GET.TORRENT', 'GetObjectTorrent'), ('REST.GET.OBJECT_TORRENT', 'GetObjectTorrent')
) names (operation, event_name)
union all
values ('REST.GET.BUCKET', 'ListObjects', 'whole', false), ('REST.GET.BUCKETVERSIONS', 'ListObjectVersions', 'whole', false),
       ('REST.HEAD.BUCKET', 'HeadBucket', 'whole', false), ('REST.GET.UPLOADS', 'ListMultipartUploads', 'whole', false),
       ('SOAP.ListBucket', 'ListObjects', 'whole', false), ('REST.POST.MULTI_OBJECT_DELETE', 'DeleteObjects', 'whole', false),
       ('REST.COPY.OBJECT_GET', 'CopyObjectSource', 'source', true), ('REST.COPY.PART_GET', 'CopyObjectSource', 'source', true),
       ('BATCH.DELETE.OBJECT', 'DeleteObject', 'batch', true)
