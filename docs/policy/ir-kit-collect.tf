variable "responder_arn" {
  type        = string
  description = "Who may assume it: the ARN of a role or a user."
}

variable "external_id" {
  type        = string
  description = "Agreed with the responder."
}

resource "aws_iam_role" "ir_kit_collect" {
  name                 = "ir-kit-collect"
  max_session_duration = 43200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.responder_arn }
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

resource "aws_iam_role_policy" "ir_kit_collect" {
  name = "ir-kit-collect"
  role = aws_iam_role.ir_kit_collect.id
  policy = jsonencode({
    "Version": "2012-10-17",
    "Statement": [
      {
        "Sid": "AskForSettingsAndLists",
        "Effect": "Allow",
        "Action": [
          "account:ListRegions",
          "cloudtrail:DescribeTrails",
          "cloudtrail:GetEventConfiguration",
          "cloudtrail:GetEventDataStore",
          "cloudtrail:GetEventSelectors",
          "cloudtrail:GetInsightSelectors",
          "cloudtrail:GetTrailStatus",
          "cloudtrail:ListEventDataStores",
          "cloudtrail:ListPublicKeys",
          "cloudtrail:LookupEvents",
          "cloudwatch:GetMetricStatistics",
          "cloudwatch:ListMetrics",
          "ec2:DescribeRegions",
          "ec2:DescribeVpcEndpoints",
          "guardduty:GetDetector",
          "guardduty:ListDetectors",
          "iam:GenerateCredentialReport",
          "iam:GetAccessKeyLastUsed",
          "iam:GetAccountAuthorizationDetails",
          "iam:GetAccountSummary",
          "iam:GetCredentialReport",
          "iam:ListAccessKeys",
          "iam:ListAccountAliases",
          "iam:ListOpenIDConnectProviders",
          "iam:ListSAMLProviders",
          "iam:ListUsers",
          "iam:ListVirtualMFADevices",
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
          "kms:ListGrants",
          "logs:DescribeDeliveries",
          "logs:DescribeDeliveryDestinations",
          "logs:DescribeDeliverySources",
          "organizations:DescribeEffectivePolicy",
          "organizations:DescribeOrganization",
          "organizations:ListDelegatedAdministrators",
          "s3:DescribeJob",
          "s3:GetAccelerateConfiguration",
          "s3:GetAccessGrantsInstanceResourcePolicy",
          "s3:GetAccessPoint",
          "s3:GetAccessPointPolicy",
          "s3:GetAccessPointPolicyStatus",
          "s3:GetAccountPublicAccessBlock",
          "s3:GetAnalyticsConfiguration",
          "s3:GetBucketAbac",
          "s3:GetBucketAcl",
          "s3:GetBucketCORS",
          "s3:GetBucketLocation",
          "s3:GetBucketLogging",
          "s3:GetBucketMetadataTableConfiguration",
          "s3:GetBucketNotification",
          "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketOwnershipControls",
          "s3:GetBucketPolicy",
          "s3:GetBucketPolicyStatus",
          "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketRequestPayment",
          "s3:GetBucketTagging",
          "s3:GetBucketVersioning",
          "s3:GetBucketWebsite",
          "s3:GetEncryptionConfiguration",
          "s3:GetInventoryConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetMetricsConfiguration",
          "s3:GetMultiRegionAccessPointPolicy",
          "s3:GetMultiRegionAccessPointPolicyStatus",
          "s3:GetReplicationConfiguration",
          "s3:ListAccessGrants",
          "s3:ListAccessGrantsInstances",
          "s3:ListAccessGrantsLocations",
          "s3:ListAccessPoints",
          "s3:ListAccessPointsForObjectLambda",
          "s3:ListAllMyBuckets",
          "s3:ListBucket",
          "s3:ListBucketVersions",
          "s3:ListJobs",
          "s3:ListMultiRegionAccessPoints",
          "sts:GetAccessKeyInfo",
          "sts:GetCallerIdentity"
        ],
        "Resource": "*"
      },
      {
        "Sid": "ReadLogObjects",
        "Effect": "Allow",
        "Action": [
          "s3:GetObject",
          "s3:GetObjectVersion"
        ],
        "Resource": [
          "arn:aws:s3:::*/*AWSLogs/*/CloudTrail*/*",
          "arn:aws:s3:::*/*????-??-??-??-??-??-????????????????",
          "arn:aws:s3:::*/*/????-??-??T??-??Z/manifest.json",
          "arn:aws:s3:::*/*/data/????????-????-????-????-????????????.*"
        ]
      },
      {
        "Sid": "DecryptLogObjects",
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
          "StringLike": {
            "kms:ViaService": "s3.*.amazonaws.com*"
          }
        }
      }
    ]
  })
}
