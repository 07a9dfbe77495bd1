"""Facts on the clients: who they are, whose credentials they take, and that no secret is ever shown."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from ir_kit.aws.clients import AGENT, Session
from ir_kit.aws.faults import Kind, StoppedError, error_of, kind_of, kind_of_code, scrubbed, stopped

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN" * 8


class Answers:
    """Stands in for the network: gives these answers, keeps the requests."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, bytes, dict[str, str]] | Exception
    ) -> None:
        self.requests: list[Any] = []
        self._answers = list(answers)
        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", lambda _, request: self._next(request))
        monkeypatch.setattr("time.sleep", lambda seconds: None)

    def _next(self, request: Any) -> AWSResponse:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        return AWSResponse(request.url, status, headers, _Raw(body))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Any:
        yield self.body

    def read(self, *_: Any) -> bytes:
        body, self.body = self.body, b""
        return body


def error(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetUser"
    )


def test_every_request_says_that_a_responder_makes_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, (200, b"<ListAllMyBucketsResult/>", {}))
    session.client("s3").list_buckets()
    assert AGENT in answers.requests[0].headers["User-Agent"].decode()
    assert "incident responder" in AGENT


def test_a_client_is_made_once_for_a_service_and_region(session: Session) -> None:
    assert session.client("s3") is session.client("s3", "us-east-1")
    assert session.client("s3") is not session.client("s3", "eu-west-1")


def test_a_named_profile_without_credentials_is_an_error_and_no_role_is_taken_in_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile empty]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("the machine's own role is asked for")

    monkeypatch.setattr("botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials", asked)
    session = Session("empty")
    assert session.region == "eu-west-1"
    with pytest.raises(StoppedError, match="no AWS credentials are to be found: profile empty; name a profile"):
        session.client("s3")


def test_an_unknown_profile_is_named(ambient: None) -> None:
    with pytest.raises(StoppedError, match="there is no such AWS profile: nobody") as stop:
        Session("nobody")
    assert stop.value.exit_status == 3


def test_no_message_of_botocore_shows_a_token_even_where_debugging_is_on(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Answers(monkeypatch, (200, b"<ListAllMyBucketsResult/>", {}))
    with caplog.at_level(logging.DEBUG):
        session.client("s3", "eu-west-1").list_buckets()
    assert TOKEN[:20] not in caplog.text and "Signature=" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        f"x-amz-security-token: {TOKEN}", f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={TOKEN}&X-Amz-Signature={'ab' * 32}",
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/s3/aws4_request, Signature={'0f' * 32}",
        f"aws_secret_access_key = {SECRET}", f'{{"SessionToken": "{TOKEN}"}}', f"secret {SECRET}", "'password': 'hunter2hunter2'",
        f"could not connect to http://user:{SECRET}@proxy.example:3128/",
    ],
)  # fmt: skip
def test_no_secret_is_left_in_a_message(text: str) -> None:
    shown = scrubbed(text)
    for secret in (TOKEN, TOKEN[:40], SECRET, "ab" * 32, "0f" * 32, "hunter2hunter2"):
        assert secret not in shown


def test_what_is_no_secret_stays_readable() -> None:
    text = "User: arn:aws:sts::111122223333:assumed-role/ir-readonly/me is not authorized to perform: s3:ListBucket on arn:aws:s3:::b"
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDenied", Kind.DENIED), ("NoSuchBucketPolicy", Kind.ABSENT), ("ExpiredToken", Kind.EXPIRED),
        ("ExpiredTokenException", Kind.EXPIRED), ("InvalidClientTokenId", Kind.REJECTED), ("SlowDown", Kind.THROTTLED),
        ("ThrottlingException", Kind.THROTTLED), ("InternalError", Kind.UNAVAILABLE), ("PermanentRedirect", Kind.REDIRECT),
        ("InvalidObjectState", Kind.ARCHIVED), ("ReplicationConfigurationNotFoundError", Kind.ABSENT), ("Whatever", Kind.ERROR),
    ],
)  # fmt: skip
def test_a_code_stands_for_its_kind(code: str, kind: Kind) -> None:
    assert kind_of_code(code) is kind
    assert kind_of(error(code)) is kind


def test_an_unknown_code_goes_by_its_status() -> None:
    assert kind_of_code("New", 503) is Kind.UNAVAILABLE
    assert kind_of_code("New", 429) is Kind.THROTTLED
    assert kind_of_code("New", 403) is Kind.DENIED


def test_expired_and_refused_credentials_stop_everything_with_one_line_that_says_what_to_do() -> None:
    for fault in (error("ExpiredToken", TOKEN), error("InvalidAccessKeyId"), NoCredentialsError()):
        stop = stopped(fault, "night")
        assert stop is not None and stop.exit_status == 3
        assert "profile night" in str(stop) and "give the same command again" in str(stop)
        assert TOKEN[:20] not in str(stop)
    assert stopped(error("AccessDenied")) is None
    assert stopped(EndpointConnectionError(endpoint_url="http://x")) is None


def test_an_error_is_recorded_by_its_code_and_message() -> None:
    assert error_of(error("AccessDenied", "no")) == {"Code": "AccessDenied", "Message": "no"}
    assert error_of(EndpointConnectionError(endpoint_url="http://x"))["Code"] == "EndpointConnectionError"


def test_a_client_whose_machine_has_the_wrong_time_is_stopped_by_one_line_that_names_the_skew(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3, seconds=20)
    skewed = b"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>"
    answers = Answers(monkeypatch, (403, skewed, {"Date": f"{ahead:%a, %d %b %Y %H:%M:%S GMT}"}))
    with pytest.raises(ClientError) as refused:
        session.client("s3", "us-west-2").list_buckets()
    assert len(answers.requests) == 1
    stop = stopped(refused.value)
    assert stop is not None and stop.exit_status == 3
    assert "which is 3 h 0 min" in str(stop) and "behind AWS's" in str(stop) and "set the clock" in str(stop)
    assert "\n" not in str(stop)


def test_a_wrong_secret_is_not_taken_for_a_wrong_clock() -> None:
    assert (
        kind_of(error("SignatureDoesNotMatch", "The request signature we calculated does not match")) is Kind.REJECTED
    )
    expired = error("SignatureDoesNotMatch", "Signature expired: 20260301T000000Z is now earlier than")
    assert kind_of(expired) is Kind.SKEWED
    assert kind_of(error("RequestTimeTooSkewed")) is Kind.SKEWED


def test_a_wrong_clock_is_said_where_the_answer_has_no_date() -> None:
    assert "is more than some minutes wrong" in str(stopped(error("RequestTimeTooSkewed")))
