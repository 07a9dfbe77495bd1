"""Both logs matched, and every request graded, before anybody asks whose it looks like.

Grades rest on validity, addresses and agents, never on a verdict. So sessions may be made from graded requests, and
judged afterwards, and the requests then take the verdict of their session, without a circle.
"""

from __future__ import annotations

from functools import cache

from ir_kit.case import Case
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.credentials.validity import Validity, credential_validity
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import Span


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

    def derive(*relations: str) -> bool:
        for relation in relations:
            case.derive(relation, f"attribution/{relation}")
        return True

    @cache
    def validity() -> Validity:
        principals, uses, acts, listed, gaps = (
            rows_of(case.engine.frame(text, {}))
            for text in (
                "from possible_principals",
                "select principal_arn, access_key_id, min(first_time) as first_time, max(last_time) as last_time, "
                "min(session_creation_date) as session_creation_date, bool_and(for_service) as for_service "
                "from credential_uses group by all",
                "from credential_acts",
                "from key_lists",
                "from management_gaps",
            )
        )
        compromised = {row["access_key_id"]: row for row in rows_of(compromised_credentials(case))}
        unlogged = [Span(gap["start_time"], gap["end_time"]) for gap in gaps]
        return credential_validity(
            [row["principal_arn"] for row in principals], uses, acts, listed, unlogged, compromised
        )

    def relations() -> bool:
        compromised_credentials(case)
        visible(case)
        derive("operation_names", "collisions", "possible_principals", "possible_requesters")
        derive("credential_uses", "credential_acts", "key_lists", "management_gaps")
        case.answer("credential_validity", lambda: validity().credentials)
        case.answer("credential_lists", lambda: validity().lists)
        return derive("source_keys", "candidate_spans", "calibration", "graded_requests")

    case.once("graded_requests", relations)
