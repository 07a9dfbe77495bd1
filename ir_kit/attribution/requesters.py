"""Who may have made a request that only an access log holds: the principal that it names, the credentials that it had.

The relations that grading joins: ``possible_principals`` (of compromised credentials), ``possible_requesters`` (their
names in access logs), ``credential_validity`` and ``candidate_spans`` (which credentials could be in use when, and is
the list complete), ``source_keys`` (with which credentials each pair of address and agent was seen).
"""

from __future__ import annotations

from ir_kit.case import Case
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.credentials.validity import Validity, credential_validity
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import Span


def requesters(case: Case) -> None:
    """Make these relations, over baseline and window.

    Notes
    -----
    Cannot see credentials of which nothing in the evidence speaks. Source: IAM User Guide, "Managing access keys" and
    "Temporary security credentials"; S3 User Guide, "Amazon S3 server access log format".
    """
    compromised_credentials(case)
    visible(case)
    for relation in (
        "possible_principals",
        "possible_requesters",
        "credential_uses",
        "credential_acts",
        "management_gaps",
    ):
        case.derive(relation, f"attribution/{relation}")
    answers: list[Validity] = []

    def validity() -> Validity:
        if not answers:
            answers.append(_validity(case))
        return answers[0]

    case.answer("credential_validity", lambda: validity().credentials)
    case.answer("credential_lists", lambda: validity().lists)
    for relation in ("source_keys", "candidate_spans"):
        case.derive(relation, f"attribution/{relation}")


def _validity(case: Case) -> Validity:
    uses = case.ask("attribution/credential_uses")
    totals = uses.groupby(["principal_arn", "access_key_id"], as_index=False).agg(
        {"first_time": "min", "last_time": "max", "session_creation_date": "min", "for_service": "all"}
    )
    return credential_validity(
        case.ask("attribution/possible_principals")["principal_arn"],
        rows_of(totals),
        rows_of(case.ask("attribution/credential_acts")),
        rows_of(case.ask("attribution/key_lists")),
        [Span(row["start_time"], row["end_time"]) for row in rows_of(case.ask("attribution/management_gaps"))],
        {row["access_key_id"]: row for row in rows_of(compromised_credentials(case))},
    )
