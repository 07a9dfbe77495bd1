"""What policies allow: documents read with tolerance, requests decided in AWS's documented order, in three values.

Read `policy_documents` first (what a policy says), then `policy_principals` (who asks), `conditions` (the keys that
settle it), `decisions` (the order of policies), `public_access` (AWS's definition of a public policy). Nothing here
reads a file or calls AWS.
"""

from ir_kit.domain.logic import ABSENT, PRESENT, Status
from ir_kit.policies.conditions import Test
from ir_kit.policies.decisions import Decision, Policies, Request, decide, decide_some
from ir_kit.policies.policy_documents import EFFECTS, UNREADABLE, Policy, Statement, parse_policy
from ir_kit.policies.policy_principals import (
    Principal,
    anonymous,
    federated_user,
    role_session,
    root,
    service,
    user,
)
from ir_kit.policies.public_access import public_statements, public_status
from ir_kit.policies.statement_grants import ACTIONS, summary

__all__ = [
    "ABSENT", "ACTIONS", "EFFECTS", "PRESENT", "UNREADABLE", "Decision", "Policies", "Policy", "Principal", "Request",
    "Statement", "Status", "Test", "anonymous", "decide", "decide_some", "federated_user", "parse_policy",
    "public_statements", "public_status", "role_session", "root", "service", "summary", "user",
]  # fmt: skip
