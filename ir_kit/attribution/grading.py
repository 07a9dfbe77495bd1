"""Both logs matched, and every request graded, before anybody asks whose it looks like.

Grades rest on validity, addresses and agents, never on a verdict. So sessions may be made from graded requests, and
judged afterwards, and the requests then take the verdict of their session, without a circle.
"""

from __future__ import annotations

from ir_kit.case import Case
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import compromised_credentials


def grade(case: Case) -> None:
    """Match both logs and grade every request that a compromised credential made, or may have made; once for a case.

    SQL reads the requests as ``graded_requests``: A named by CloudTrail or joined to it, B named in a pre-signed URI,
    C the one credential that could be in use or that was seen with that address and agent, D a list of candidates; and
    as ``calibration`` how often C and D are right, on requests that both logs hold.

    Notes
    -----
    Cannot see credentials of which nothing in the evidence speaks. Source: IAM User Guide, "Managing access keys" and
    "Temporary security credentials"; S3 User Guide, "Amazon S3 server access log format".
    """

    def relations() -> None:
        compromised_credentials(case)
        visible(case)
        case.derive("credential_calls", "credentials/credential_calls")
        for relation in (
            "operation_names", "collisions", "possible_principals", "possible_requesters", "credential_uses",
            "management_gaps", "listed_keys", "credential_validity", "credential_lists", "source_keys",
            "candidate_spans", "calibration", "graded_requests",
        ):  # fmt: skip
            case.derive(relation, f"attribution/{relation}")

    case.once("graded_requests", relations)
