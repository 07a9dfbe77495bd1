"""Policies that AWS manages, as far as they speak of S3: what they say where the answer that holds them was not collected.

Only those whose statements on S3 are short and have not changed in years.

Source: AWS Managed Policy Reference Guide, by name.
"""

from __future__ import annotations

from typing import Any


def _allow(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "AWSManaged", "Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


KNOWN: dict[str, dict[str, Any]] = {
    "AdministratorAccess": _allow("*"),
    "AmazonS3FullAccess": _allow("s3:*", "s3-object-lambda:*"),
    "AmazonS3ReadOnlyAccess": _allow(
        "s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"
    ),
    "IAMReadOnlyAccess": _allow("iam:Get*", "iam:List*"),
    "PowerUserAccess": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AWSManaged",
                "Effect": "Allow",
                "NotAction": ["iam:*", "organizations:*", "account:*"],
                "Resource": "*",
            }
        ],
    },
}
