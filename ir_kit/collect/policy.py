"""The least-privilege policy of a role that collects: every action of the guard's list, and nothing else.

Settings and lists are asked of everything, since an investigation does not know beforehand where it leads. Objects are
read where they are named as logs, digests and inventories are, so that the role cannot read what customers store.

Source: Service Authorization Reference; CloudTrail User Guide, "Finding your CloudTrail log files"; S3 User Guide,
"Log object key format" and "Locating your inventory list".
"""

from __future__ import annotations

import json
from typing import Any

from ir_kit.aws.operations import actions

LOG_OBJECTS = (
    "arn:aws:s3:::*/*AWSLogs/*/CloudTrail*/*",  # log files and digests, an organization's too
    "arn:aws:s3:::*/*????-??-??-??-??-??-????????????????",  # server access logs, whatever their prefix
    "arn:aws:s3:::*/*/????-??-??T??-??Z/manifest.json",  # S3 Inventory, and what a manifest names
    "arn:aws:s3:::*/*/data/????????-????-????-????-????????????.*",
)
"""Names of the objects that a collection reads."""


def policy_document() -> dict[str, Any]:
    """What may the collecting role do? A policy in IAM's shape, the same each time."""
    reading = ["s3:GetObject", "s3:GetObjectVersion"]
    asking = [action for action in actions() if action not in (*reading, "kms:Decrypt")]
    through_s3 = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}
    statements: dict[str, dict[str, Any]] = {
        "AskForSettingsAndLists": {"Action": asking, "Resource": "*"},
        "ReadLogObjects": {"Action": reading, "Resource": list(LOG_OBJECTS)},
        "DecryptLogObjects": {"Action": "kms:Decrypt", "Resource": "*", "Condition": through_s3},
    }
    listed = [{"Sid": name, "Effect": "Allow", **statement} for name, statement in statements.items()]
    return {"Version": "2012-10-17", "Statement": listed}


def policy_json() -> str:
    """The policy as JSON, to paste or to pipe."""
    return json.dumps(policy_document(), indent=2)
