"""Small worlds, written as CloudTrail records by hand: a test says who did what and opens a case on it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.incident import new_incident

ACCOUNT = "111122223333"
KEY = "AKIAIOSFODNN7EXAMPLE"
DAY = "2026-03-02T"
Record = dict[str, Any]


class SmallWorld:
    """Records and configuration answers of a small account; the incident key belongs to the user ``legacy``."""

    account, key = ACCOUNT, KEY

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.records: list[Record] = []
        self.settings: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.owner = self.user("legacy", KEY)
        self.admin = self.user("alice", "AKIAALICEALICEALICE7")

    # who

    def user(self, name: str, key: str | None = None, **more: Any) -> Record:
        found = {
            "type": "IAMUser", "principalId": f"AIDA{name.upper()}", "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
            "accountId": ACCOUNT, "userName": name,
        }  # fmt: skip
        return found | ({"accessKeyId": key} if key else {}) | more

    def user_session(self, name: str, key: str, created: str, **more: Any) -> Record:
        """A session of a user: of GetSessionToken, of the console, or of a service that acts for the user."""
        context = {"attributes": {"creationDate": _time(created), "mfaAuthenticated": "false"}}
        return self.user(name, key, sessionContext=context, **more)

    def role_session(self, role: str, session: str, key: str, created: str, **more: Any) -> Record:
        return {
            "type": "AssumedRole", "principalId": f"AROA{role.upper()}:{session}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", "accountId": ACCOUNT, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": f"AROA{role.upper()}", "arn": self.role_arn(role),
                    "accountId": ACCOUNT, "userName": role,
                },
                "attributes": {"creationDate": _time(created), "mfaAuthenticated": "false"},
            },
            **more,
        }  # fmt: skip

    def federated(self, name: str, key: str, created: str, issuer: str = "legacy") -> Record:
        return {
            "type": "FederatedUser",
            "principalId": f"{ACCOUNT}:{name}",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/{name}",
            "accountId": ACCOUNT,
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "IAMUser",
                    "arn": f"arn:aws:iam::{ACCOUNT}:user/{issuer}",
                    "userName": issuer,
                },
                "attributes": {"creationDate": _time(created)},
            },
        }

    def outsider(self, account: str = "999988887777") -> Record:
        return {"type": "AWSAccount", "principalId": f"AROAOUTSIDE:{account}", "accountId": account}

    def role_arn(self, role: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{role}"

    # what

    def call(
        self,
        time: str,
        who: Record,
        name: str,
        *,
        source: str = "iam",
        address: str = "198.51.100.7",
        agent: str = "aws-cli/2.15",
        error: str | None = None,
        region: str = "us-east-1",
        **more: Any,
    ) -> str:
        """One event; gives back its id."""
        record = {
            "eventVersion": "1.10",
            "userIdentity": who,
            "eventTime": _time(time),
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": address,
            "userAgent": agent,
            "requestParameters": None,
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": str(uuid.UUID(int=len(self.records) + 1)),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        } | more
        if error:
            record |= {"errorCode": error, "errorMessage": "refused"}
        self.records.append(record)
        return str(record["eventID"])

    def assume(self, time: str, who: Record, role: str, child: str | None, session: str = "work", **more: Any) -> str:
        """AssumeRole; without a child's key the answer is withheld."""
        answer = None
        if child:
            arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
            answer = {"credentials": {"accessKeyId": child}, "assumedRoleUser": {"arn": arn}}
        parameters = {"roleArn": self.role_arn(role), "roleSessionName": session}
        return self.call(
            time,
            who,
            "AssumeRole",
            **{"source": "sts", "requestParameters": parameters, "responseElements": answer} | more,
        )

    def create_key(self, time: str, who: Record, user: str, child: str, **more: Any) -> str:
        answer = {"accessKey": {"accessKeyId": child, "userName": user, "status": "Active"}}
        return self.call(
            time, who, "CreateAccessKey", requestParameters={"userName": user}, responseElements=answer, **more
        )

    def sign_in(self, time: str, user: str, outcome: str = "Success", **more: Any) -> str:
        return self.call(
            time, self.user(user), "ConsoleLogin", source="signin", responseElements={"ConsoleLogin": outcome},
            eventType="AwsConsoleSignIn", **{"address": "192.0.2.9", "agent": "Mozilla/5.0"} | more,
        )  # fmt: skip

    def object_call(self, time: str, who: Record, name: str, bucket: str, key: str | None = None, *, sent: int = 0,
                    read: bool = True, **more: Any) -> str:  # fmt: skip
        parameters = {"bucketName": bucket} | ({"key": key} if key else {})
        return self.call(
            time, who, name, source="s3", requestParameters=parameters, readOnly=read, managementEvent=False,
            eventCategory="Data", additionalEventData={"bytesTransferredOut": float(sent)}, **more,
        )  # fmt: skip

    def answer(self, service: str, operation: str, parameters: Record, response: Record | None = None,
               error: str | None = None) -> None:  # fmt: skip
        """One configuration answer."""
        found = {
            "collected_at": "2026-03-09T09:00:00Z", "account": ACCOUNT, "region": "us-east-1", "service": service,
            "operation": operation, "parameters": parameters,
        }  # fmt: skip
        self.settings.append(found | ({"error": {"Code": error}} if error else {"response": response}))

    # the case

    def case(self, **fields: Any) -> Case:
        """Write the incident and its evidence, and open it."""
        folder = self.runs / "small" / "evidence"
        for name, content in (
            ("cloudtrail/all.json", json.dumps({"Records": self.records})),
            ("configuration.jsonl", "".join(json.dumps(one) + "\n" for one in self.settings)),
            ("access-logs/2026-03-02-10-00-00-AAAA", "".join(self.lines)),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        known = {
            "title": "small",
            "access_keys": [KEY],
            "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
            "baseline": {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
            "sources": {
                "cloudtrail": ["evidence/cloudtrail"],
                "access_logs": ["evidence/access-logs"],
                "configuration": "evidence/configuration.jsonl",
            },
        } | fields
        new_incident(self.runs, "small", {name: value for name, value in known.items() if value is not None})
        return open_case("small", str(self.runs))


def _time(text: str) -> str:
    """``10:00`` is ten o'clock on the second day of the window."""
    if len(text) <= 5:
        text += ":00"
    return (DAY + text if len(text) == 8 else text) + "Z"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    """An empty small account."""
    monkeypatch.delenv("IR_KIT_STAGING", raising=False)
    return SmallWorld(tmp_path / "runs")


@pytest.fixture
def links() -> Callable[[Case], dict[str, tuple[str | None, str]]]:
    """Which credentials a case reaches beyond its incident keys: parent and link, by key."""

    def asked(case: Case) -> dict[str, tuple[str | None, str]]:
        from ir_kit.scoping import questions as scoping

        frame = scoping.credentials(case).query("link != 'seed'")
        return {
            str(row.access_key_id): (str(row.parent_access_key_id), str(row.link))
            for row in frame.itertuples(index=False)
        }

    return asked
