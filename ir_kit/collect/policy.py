"""The least-privilege policy of a role that collects: every action of the guard's list, and nothing else.

Settings and lists are asked of everything, since an investigation does not know beforehand where it leads. Objects are
another matter: the role reads those that are named as logs, digests and inventories are, so that it cannot read what the
buckets under investigation are there for.

Source: Service Authorization Reference; CloudTrail User Guide, "Finding your CloudTrail log files"; S3 User Guide,
"Log object key format" and "Locating your inventory list".
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from ir_kit.aws.operations import actions

__all__ = ["cloudformation", "policy_document", "policy_json", "terraform"]

NAME = "ir-kit-collect"
_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion")
_DECRYPT = "kms:Decrypt"
LOG_OBJECTS = (
    "arn:aws:s3:::*/*AWSLogs/*/CloudTrail*/*",  # log files and digests, an organization's too
    "arn:aws:s3:::*/*????-??-??-??-??-??-????????????????",  # server access logs, whatever their prefix
    "arn:aws:s3:::*/*/????-??-??T??-??Z/manifest.json",  # S3 Inventory, and what a manifest names
    "arn:aws:s3:::*/*/data/????????-????-????-????-????????????.*",
)
"""Names of the objects that a collection reads."""


def policy_document() -> dict[str, Any]:
    """What may the collecting role do? A policy in IAM's shape, the same each time."""
    needed = actions()
    asked = [action for action in needed if action not in _OBJECTS and action != _DECRYPT]
    statements: list[dict[str, Any]] = [
        {"Sid": "AskForSettingsAndLists", "Effect": "Allow", "Action": asked, "Resource": "*"},
        {
            "Sid": "ReadLogObjects", "Effect": "Allow", "Action": list(_OBJECTS),
            "Resource": list(LOG_OBJECTS),
        },
    ]  # fmt: skip
    if _DECRYPT in needed:
        through = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}
        statements.append(
            {"Sid": "DecryptLogObjects", "Effect": "Allow", "Action": _DECRYPT, "Resource": "*", "Condition": through}
        )
    return {"Version": "2012-10-17", "Statement": statements}


def policy_json() -> str:
    """The policy as JSON, to paste or to pipe."""
    return json.dumps(policy_document(), indent=2)


def cloudformation() -> str:
    """A CloudFormation template of a role that reads, for one principal to assume."""
    trust = {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": {"Ref": "ResponderArn"}},
        "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
    }  # fmt: skip
    role = {
        "RoleName": NAME, "MaxSessionDuration": 43200,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": NAME, "PolicyDocument": policy_document()}],
    }  # fmt: skip
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A role that collects evidence and can change nothing.",
        "Parameters": {
            "ResponderArn": {"Type": "String", "Description": "Who may assume it: the ARN of a role or a user."},
            "ExternalId": {"Type": "String", "MinLength": 8, "Description": "Agreed with the responder."},
        },
        "Resources": {"CollectRole": {"Type": "AWS::IAM::Role", "Properties": role}},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["CollectRole", "Arn"]}}},
    }
    return str(yaml.dump(template, Dumper=_WithoutAliases, sort_keys=False, width=1000))


def terraform() -> str:
    """The same role in Terraform."""
    policy = policy_json().replace("\n", "\n  ")
    return f'''variable "responder_arn" {{
  type        = string
  description = "Who may assume it: the ARN of a role or a user."
}}

variable "external_id" {{
  type        = string
  description = "Agreed with the responder."
}}

resource "aws_iam_role" "ir_kit_collect" {{
  name                 = "{NAME}"
  max_session_duration = 43200
  assume_role_policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = {{ AWS = var.responder_arn }}
      Condition = {{ StringEquals = {{ "sts:ExternalId" = var.external_id }} }}
    }}]
  }})
}}

resource "aws_iam_role_policy" "ir_kit_collect" {{
  name = "{NAME}"
  role = aws_iam_role.ir_kit_collect.id
  policy = jsonencode({policy})
}}
'''


class _WithoutAliases(yaml.SafeDumper):
    """CloudFormation knows no YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
