"""Requests and policies of the cases, which are written in short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ir_kit.domain.logic import ABSENT, PRESENT
from ir_kit.policies.decisions import Policies, Request
from ir_kit.policies.policy_documents import UNREADABLE, Policy, Principal, parse_policy

CASES = Path(__file__).parent / "cases"
ALICE = "arn:aws:iam::111122223333:user/alice"
STATES = {"absent": ABSENT, "present": PRESENT, "unknown": None}


def load(name: str) -> list[Any]:
    """The cases of a file; YAML's yes and no are ours."""
    return list(yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8")))


def said(value: bool | str) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def principal(text: str | None) -> Principal:
    """``session s of ROLE``, ``user ARN with canonical id ID``, ``federated NAME by ARN``, ``root ACCOUNT``, ``service NAME``."""
    words = (text or f"user {ALICE}").split()
    kind, first, last = words[0], words[1] if len(words) > 1 else "", words[-1]
    if kind == "session" and len(words) > 2:
        role, account = last.rpartition("/")[2], last.split(":")[4]
        return Principal("role_session", f"arn:aws:sts::{account}:assumed-role/{role}/{first}", last)
    made = {
        "anonymous": lambda: Principal("anonymous"),
        "root": lambda: Principal("root", f"arn:aws:iam::{first}:root"),
        "service": lambda: Principal("service", first),
        "session": lambda: Principal("role_session", first),
        "federated": lambda: Principal(
            "federated_user", f"arn:aws:sts::{last.split(':')[4]}:federated-user/{first}", issuer_arn=last
        ),
        "user": lambda: Principal(
            "user", first, canonical_id=last if "canonical" in words else None,
            temporary=True if "token" in words else None,
        ),
    }  # fmt: skip
    return made[kind]()


def policies(given: Any, source: str, version: str | None = "2012-10-17") -> list[Policy] | None:
    """Statements as one policy; the word ``unreadable`` among them is a policy that could not be read; null is not known."""
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    found = [UNREADABLE for one in listed if one == "unreadable"]
    statements = [one for one in listed if one != "unreadable"]
    document = {"Statement": statements} | ({"Version": version} if version else {})
    return ([parse_policy(document, source)] if statements else []) + found


def request(case: dict[str, Any]) -> Request:
    context = {
        key: STATES.get(value, value) if isinstance(value, str) else value
        for key, value in case.get("context", {}).items()
    }
    who = principal(case.get("who"))
    arn = case.get("arn", "arn:aws:s3:::b/k")
    return Request(who, case.get("action", "s3:GetObject"), arn, case.get("owner", "111122223333"), context)


def given(case: dict[str, Any]) -> Policies:
    """The policies of a case."""
    version = case.get("version", "2012-10-17")
    boundary = policies(case["boundary"], "boundary", version) if "boundary" in case else None
    made: dict[str, Any] = {
        "identity": policies(case.get("identity", []), "policies of alice", version),
        "boundary": boundary[0] if boundary else None,
        "session": policies(case["session"], "session policy", version) if "session" in case else None,
        "resource": policies(case.get("bucket", []), "bucket policy of b", version),
    }
    return Policies(**made)
