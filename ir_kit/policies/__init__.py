"""What policies allow: documents read with tolerance, requests decided in AWS's documented order, in three values (``yes``, ``no``, ``unknown``).

Read `documents` first (what a policy says), then `principals` and `requests` (who asks what), `conditions` (the keys that settle it),
`deciding` (the order of policies), `public` (AWS's definition of a public policy), `grants` (whom a policy names). Nothing here reads a file
or asks AWS.
"""

from ir_kit.domain.logic import ABSENT, PRESENT, Status
from ir_kit.policies.deciding import Decision, decide
from ir_kit.policies.documents import UNREADABLE, Policy, Statement, parse_policy
from ir_kit.policies.grants import Grant, accesses, grants
from ir_kit.policies.objects import decide_some
from ir_kit.policies.principals import Principal, anonymous, federated_user, role_session, root, service, user
from ir_kit.policies.public import Public, is_public, public_statements, public_status
from ir_kit.policies.requests import Request

__all__ = [
    "ABSENT",
    "PRESENT",
    "UNREADABLE",
    "Decision",
    "Grant",
    "Policy",
    "Principal",
    "Public",
    "Request",
    "Statement",
    "Status",
    "accesses",
    "anonymous",
    "decide",
    "decide_some",
    "federated_user",
    "grants",
    "is_public",
    "parse_policy",
    "public_statements",
    "public_status",
    "role_session",
    "root",
    "service",
    "user",
]
