"""Each shape that a CloudTrail file can have, and what comes of it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from ir_kit.ingest.raw import raw_record


class Outcome(NamedTuple):
    """What comes of a file: records kept, things rejected (less than 0: some), damaged or not, and the records' numbers."""

    records: int
    rejected: int = 0
    damaged: bool = False
    numbers: list[int] | None = None
    state: str = "read"


def _names(count: int, start: int = 1) -> list[str]:
    return [f"event-{number}" for number in range(start, start + count)]


def _records(*numbers: int) -> list[dict[str, Any]]:
    return [
        {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
            "eventTime": f"2026-03-02T10:00:{number:02d}Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "requestParameters": {"bucketName": "b", "key": f"k{number}"},
            "resources": [{"type": "AWS::S3::Object"}, {"type": "AWS::S3::Bucket", "eventTime": "not a record"}],
            "eventID": f"event-{number}",
        }
        for number in numbers
    ]


def _document(*numbers: int, indent: int | None = None) -> bytes:
    return json.dumps({"Records": _records(*numbers)}, indent=indent).encode()


def _lines(*numbers: int) -> list[str]:
    return [json.dumps(record) for record in _records(*numbers)]


def _answer(*numbers: int, **more: Any) -> dict[str, Any]:
    """An answer of LookupEvents, as the command line prints it."""
    events = [
        {"EventId": record["eventID"], "EventName": "GetObject", "CloudTrailEvent": json.dumps(record)}
        for record in _records(*numbers)
    ]
    return {"Events": events, **more}


def _athenas(record: dict[str, Any]) -> dict[str, Any]:
    """A record as Athena's table for CloudTrail gives it out."""
    found = {name.lower(): value for name, value in record.items()}
    found["useridentity"] = {name.lower(): value for name, value in record["userIdentity"].items()}
    found["requestparameters"] = json.dumps(record["requestParameters"])
    return found | {"eventtime": record["eventTime"].replace("T", " ").replace("Z", ".000"), "errorcode": None}


def _zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _at(data: bytes, mark: bytes, nth: int = 1) -> int:
    position = -1
    for _ in range(nth):
        position = data.index(mark, position + 1)
    return position


DOCUMENT = _document(1, 2, 3)
THIRD = _at(DOCUMENT, b'{"eventVersion"', 3)
BIG = _document(*range(1, 60))
BAD_CRC = _zipped(DOCUMENT)[:-8] + b"\0\0\0\0" + _zipped(DOCUMENT)[-4:]
INSIGHT = {**_records(1)[0], "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight"}
DIGEST = {
    "awsAccountId": "111122223333",
    "digestStartTime": "2026-03-01T00:00:00Z",
    "logFiles": [],
    "digestPublicKeyFingerprint": "x",
}
NOTIFICATION = {
    "Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}] * 3
}
BROKEN_SECOND = DOCUMENT.replace(b'"event-2"', b'"event-2')
SORTED = json.dumps({"Records": _records(1, 2, 3)}, sort_keys=True).encode()


def _line_sized_member() -> bytes:
    return _zipped(_lines(1)[0].encode() + b"\n")


FILES: dict[str, tuple[bytes, Outcome]] = {
    "plain.json": (DOCUMENT, Outcome(3, numbers=[1, 2, 3])),
    "zipped.json.gz": (_zipped(DOCUMENT), Outcome(3)),
    "pretty.json": (_document(1, 2, 3, indent=4), Outcome(3)),
    "no-records.json": (b'{"Records": []}', Outcome(0)),
    # compression
    "members.json.gz": (_zipped(DOCUMENT[:900]) + _zipped(DOCUMENT[900:]), Outcome(3)),
    "members-of-lines.jsonl.gz": (_zipped(_lines(1)[0].encode() + b"\n") + _zipped(_lines(2)[0].encode()), Outcome(2)),
    "members-alike.jsonl.gz": (_line_sized_member() * 2, Outcome(2, numbers=[1, 2])),
    "member-of-nothing.json.gz": (_zipped(DOCUMENT) + _zipped(b""), Outcome(3)),
    "padded-with-zeros.json.gz": (_zipped(DOCUMENT) + bytes(512), Outcome(3)),
    "cut.json.gz": (_zipped(BIG)[:-200], Outcome(-1, 1, True)),
    "cut-in-the-header.json.gz": (_zipped(DOCUMENT)[:6], Outcome(0, 1, True)),
    "cut-in-the-trailer.json.gz": (_zipped(DOCUMENT)[:-4], Outcome(3, 0, True)),
    "bad-crc.json.gz": (BAD_CRC, Outcome(3, 0, True)),
    "broken-inside.json.gz": (_zipped(BIG)[:-150] + bytes(20) + _zipped(BIG)[-130:], Outcome(-1, -1, True)),
    "trailing-garbage.json.gz": (_zipped(DOCUMENT) + b"garbage", Outcome(3, 0, True)),
    "second-member-cut.jsonl.gz": (_line_sized_member() + _line_sized_member()[:-30], Outcome(1, 1, True)),
    "empty.json.gz": (b"", Outcome(0, 1, True)),
    "of-nothing.json.gz": (_zipped(b""), Outcome(0, 1, True)),
    "gzip-inside.json": (_zipped(DOCUMENT), Outcome(3)),
    "not-compressed.json.gz": (DOCUMENT, Outcome(3)),
    "only-magic.json.gz": (b"\x1f\x8b", Outcome(0, 1, True)),
    # documents that break off
    "cut-in-a-record.json": (DOCUMENT[: THIRD + 150], Outcome(2, 1, True)),
    "cut-after-a-comma.json": (DOCUMENT[:THIRD], Outcome(2, 1, True)),
    "cut-between-records.json": (DOCUMENT[: THIRD - 2], Outcome(2, 0, True)),
    "cut-before-the-brackets.json": (DOCUMENT[:-2], Outcome(3, 0, True)),
    "cut-before-the-last-bracket.json": (DOCUMENT[:-1], Outcome(3, 0, True)),
    "cut-in-the-first-record.json": (DOCUMENT[:100], Outcome(0, 1, True)),
    "cut-at-once.json": (b'{"Records":[', Outcome(0, 1, True)),
    "cut-pretty.json": (_document(1, 2, 3, indent=4)[:-120], Outcome(2, 1, True)),
    "cut-answer.json": (json.dumps(_answer(1, 2, 3), indent=4).encode()[:-100], Outcome(2, 1, True)),
    "cut-list.json": (json.dumps(_records(1, 2, 3)).encode()[:-100], Outcome(2, 1, True)),
    "cut-then-zeros.json": (DOCUMENT[: THIRD + 150] + bytes(300), Outcome(2, 1, True)),
    # a record that is broken among others
    "broken-record.json": (BROKEN_SECOND, Outcome(2, 1, True, [1, 3])),
    "broken-record-pretty.json": (
        _document(1, 2, 3, indent=4).replace(b'"event-2"', b"event-2"),
        Outcome(2, 1, True, [1, 3]),
    ),
    "broken-record-sorted.json": (SORTED.replace(b'"event-2"', b"event-2"), Outcome(2, 1, True, [1, 3])),
    "bare-word-for-a-record.json": (
        b'{"Records":[' + _lines(1)[0].encode() + b",oops," + _lines(2)[0].encode() + b"]}",
        Outcome(2, 1, True),
    ),
    "after-the-document.json": (DOCUMENT + b"}garbage", Outcome(3, 1, True)),
    "null-record.json": (json.dumps({"Records": [None, *_records(1)]}).encode(), Outcome(1, 1, numbers=[2])),
    "odd-records.json": (
        json.dumps({"Records": [1, "x", [], {}, True, *_records(6)]}).encode(),
        Outcome(1, 5, numbers=[6]),
    ),
    "no-time.json": (
        json.dumps({"Records": [{**_records(1)[0], "eventTime": 1772445600}, *_records(2)]}).encode(),
        Outcome(1, 1, numbers=[2]),
    ),
    "no-such-time.json": (
        json.dumps({"Records": [{**_records(1)[0], "eventTime": "infinity"}, *_records(2)]}).encode(),
        Outcome(1, 1),
    ),
    "deep.json": (DOCUMENT.replace(b'"key": "k2"', b'"key": ' + b"[" * 5000 + b"]" * 5000), Outcome(3)),
    "control-character.json": (DOCUMENT.replace(b"k2", b"k\x01\t2"), Outcome(3)),
    # forms
    "lines.jsonl": ("\n".join(_lines(1, 2, 3)).encode(), Outcome(3, numbers=[1, 2, 3])),
    "lines.json": ("\n".join(_lines(1, 2, 3)).encode() + b"\n", Outcome(3)),
    "blank-lines.jsonl": ("\n\n".join(_lines(1, 2)).encode() + b"\n\n\n", Outcome(2, numbers=[1, 3])),
    "bad-line.jsonl": ("\n".join([_lines(1)[0], "{oops", "", _lines(2)[0]]).encode(), Outcome(2, 1, True, [1, 4])),
    "first-line-bad.jsonl": ("\n".join(["{oops", *_lines(1, 2)]).encode(), Outcome(2, 1, True, [2, 3])),
    "last-line-cut.jsonl": ("\n".join(_lines(1, 2, 3)).encode()[:-40], Outcome(2, 1, True, [1, 2])),
    "crlf.jsonl": ("\r\n".join(_lines(1, 2)).encode(), Outcome(2, numbers=[1, 2])),
    "documents.jsonl": (b"\n".join([_document(1, 2), _document(3)]), Outcome(3, numbers=[1, 2, 3])),
    "lists.jsonl": (f"[{_lines(1)[0]}]\n[{_lines(2)[0]}]".encode(), Outcome(2, numbers=[1, 2])),
    "answer.json": (json.dumps(_answer(1, 2), indent=4).encode(), Outcome(2, numbers=[1, 2])),
    "answer-compact.json": (json.dumps(_answer(1, 2, NextToken="x"), separators=(",", ":")).encode(), Outcome(2)),
    "answer-pages.jsonl": (
        "\n".join(json.dumps(page) for page in (_answer(1, 2), _answer(3))).encode(),
        Outcome(3, numbers=[1, 2, 3]),
    ),
    "answer-of-nothing.json": (b'{"Events": []}', Outcome(0)),
    "answer-broken-event.json": (
        json.dumps({"Events": [*_answer(1)["Events"], {"EventId": "x", "CloudTrailEvent": "{oops"}]}).encode(),
        Outcome(1, 1),
    ),
    "list.json": (json.dumps(_records(1, 2)).encode(), Outcome(2)),
    "list-of-nothing.json": (b"[]", Outcome(0)),
    "bare-record.json": (_lines(1)[0].encode(), Outcome(1, numbers=[1])),
    "bare-record-pretty.json": (json.dumps(_records(1)[0], indent=2).encode(), Outcome(1)),
    "other-keys-first.json": (json.dumps({"a": 1, "Records": _records(1, 2)}).encode(), Outcome(2)),
    # several documents, wrappings, a table's spelling
    "documents-in-one.json": (_document(1, 2) + _document(3), Outcome(3, numbers=[1, 2, 3])),
    "documents-in-one-pretty.json": (_document(1, indent=2) + b"\n" + _document(2, 3, indent=2), Outcome(3)),
    "second-document-cut.json": (_document(1) + DOCUMENT[: THIRD + 150], Outcome(3, 1, True, [1, 2, 3])),
    "records-of-jq.json": (b"\n".join(json.dumps(r, indent=2).encode() for r in _records(1, 2, 3)), Outcome(3)),
    "event-bridge.jsonl": (
        "\n".join(json.dumps({"version": "0", "detail-type": "x", "detail": r}) for r in _records(1, 2, 3)).encode(),
        Outcome(3, numbers=[1, 2, 3]),
    ),
    "log-events.json": (
        json.dumps({"logEvents": [{"id": "1", "message": line} for line in _lines(1, 2, 3)]}).encode(),
        Outcome(3, numbers=[1, 2, 3]),
    ),
    "athena.jsonl": ("\n".join(json.dumps(_athenas(r)) for r in _records(1, 2, 3)).encode(), Outcome(3)),
    "parameters-as-text.json": (
        json.dumps({"Records": [{**_records(1)[0], "requestParameters": '{"bucketName": "b"}'}]}).encode(),
        Outcome(1),
    ),
    # encodings
    "utf-16.json": (_document(1, 2, 3, indent=4).decode().encode("utf-16"), Outcome(3)),
    "bom.json": (b"\xef\xbb\xbf" + DOCUMENT, Outcome(3)),
    "bom.jsonl": (b"\xef\xbb\xbf" + _lines(1)[0].encode(), Outcome(1)),
    "no-utf-8.json": (DOCUMENT.replace(b"k2", b"k\xff\xfe2"), Outcome(3)),
    "lone-surrogate.json": (DOCUMENT.replace(b"k2", b"k\\ud8002"), Outcome(3)),
    "nul-escape.json": (DOCUMENT.replace(b"k2", b"k\\u00002"), Outcome(3)),
    "nul-bytes.json": (DOCUMENT + bytes(64), Outcome(3)),
    "crlf.json": (_document(1, 2, 3, indent=2).replace(b"\n", b"\r\n"), Outcome(3)),
    # no CloudTrail: one thing that could not be read
    "notification.json": (json.dumps(NOTIFICATION).encode(), Outcome(0, 1)),
    "config-snapshot.json": (
        json.dumps({"fileVersion": "1.0", "configurationItems": [{"resourceType": "AWS::S3::Bucket"}] * 3}).encode(),
        Outcome(0, 1),
    ),
    "object.json": (b'{"a": 1}', Outcome(0, 1)),
    "numbers.json": (b"[1, 2, 3]", Outcome(0, 1)),
    "number.json": (b"42", Outcome(0, 1)),
    "null.json": (b"null", Outcome(0, 1)),
    "together.json": (_document(1, 2) + _document(3) + _document(4, 5, indent=1), Outcome(5, numbers=[1, 2, 3, 4, 5])),
    "together.json.gz": (_zipped(_document(1)) + _zipped(_document(2)), Outcome(2, numbers=[1, 2])),
    "redirected.json": (json.dumps(_answer(1, 2), indent=1).encode("utf-16"), Outcome(2, numbers=[1, 2])),
    "text.json": (b"hello\nthere\n", Outcome(0, 1)),
    "credentials.json": (
        b"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hidden/1\naws_session_token=hidden2\n"
        b"GET /k X-Amz-Security-Token=hidden3&a=1\n",
        Outcome(0, 1),
    ),
    "page.json": (b"<html>\n<body>Not Found</body>\n</html>", Outcome(0, 1)),
    "binary.json": (bytes(range(256)) * 4, Outcome(0, 1)),
    "zeros.json": (bytes(100), Outcome(0, 1)),
    "empty.json": (b"", Outcome(0, 1)),
    "blank.json": (b" \n\n", Outcome(0, 1)),
    "records-no-list.json": (b'{"Records": {"eventName": "x"}}', Outcome(0, 1)),
    "number-lines.jsonl": (b"1\n2\n3\n", Outcome(0, 1)),
    # not for us
    "digest-by-content.json.gz": (_zipped(json.dumps(DIGEST).encode()), Outcome(0, state="ignored")),
    "insight-by-content.json": (json.dumps({"Records": [INSIGHT]}).encode(), Outcome(0, state="ignored")),
    "CloudTrail-Digest/us-east-1/x.json.gz": (_zipped(json.dumps(DIGEST).encode()), Outcome(0, state="ignored")),
    "CloudTrail-Insight/us-east-1/x.json.gz": (
        _zipped(json.dumps({"Records": [INSIGHT]}).encode()),
        Outcome(0, state="ignored"),
    ),
    "README.txt": (b"hello", Outcome(0, state="ignored")),
    "archive.zip": (b"PK", Outcome(0, state="ignored")),
}


@pytest.fixture(scope="module")
def loaded(shared_evidence: Any) -> Any:
    for name, (content, _) in FILES.items():
        shared_evidence.write(name, content)
    shared_evidence.write("x.json.gz/inside.json", DOCUMENT)  # a folder may be named like a file
    (shared_evidence.cloudtrail / "leads-nowhere.json").symlink_to("no-such-file")
    shared_evidence.report = shared_evidence.load()
    shared_evidence.sources = shared_evidence.sources_by_path()
    shared_evidence.rows = _grouped(
        shared_evidence.query("select source_file, record_number, event_id from events_all order by 1, 2")
    )
    shared_evidence.rejects = _grouped(
        shared_evidence.query("select source_file, number, reason, bytes, kind from rejects")
    )
    return shared_evidence


def _grouped(rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *rest in rows:
        found.setdefault(name, []).append(tuple(rest))
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_this_shape_has_its_outcome(loaded: Any, name: str) -> None:
    expected = FILES[name][1]
    source = loaded.sources[name]
    numbers = [number for number, _ in loaded.rows.get(name, [])]
    rejects = loaded.rejects.get(name, [])
    assert source["state"] == expected.state
    assert source["records"] == len(numbers) or expected.state == "ignored"
    assert source["damaged"] == expected.damaged, (source, rejects)
    assert source["rejected"] == len(rejects)
    assert len(rejects) == expected.rejected or (expected.rejected < 0 < len(rejects)), rejects
    if expected.records < 0:
        assert 0 < len(numbers) < 59
    else:
        assert len(numbers) == expected.records, rejects
    if expected.numbers:
        assert numbers == expected.numbers
    assert not set(numbers) & {reject[0] for reject in rejects}


def test_every_reject_says_why_and_how_much(loaded: Any) -> None:
    for name, rejects in loaded.rejects.items():
        for _, reason, size, kind in rejects:
            assert kind == "cloudtrail"
            assert size > 0 or any(word in reason for word in ("break", "empty", "nothing", "cannot be read")), (
                name,
                reason,
            )


def test_a_credentials_file_among_the_logs_keeps_its_secrets(loaded: Any) -> None:
    ((content,),) = loaded.query("select content from rejects where source_file = 'credentials.json'")
    assert "AKIAIOSFODNN7EXAMPLE" in content and "hidden" not in content and content.count("REDACTED") == 3


def test_records_read_slowly_have_the_rows_of_records_read_fast(loaded: Any) -> None:
    columns = (
        "event_id, event_time, event_name, access_key_id, bucket, key, request_parameters, resources, record_class"
    )
    fast = loaded.query(f"select {columns} from events_all where source_file = 'plain.json' order by 1")
    for name in (
        "lines.jsonl",
        "answer.json",
        "members.json.gz",
        "bad-crc.json.gz",
        "bom.json",
        "documents.jsonl",
        "pretty.json",
        "documents-in-one.json",
        "records-of-jq.json",
        "event-bridge.jsonl",
        "log-events.json",
        "utf-16.json",
    ):
        rows = loaded.query(f"select {columns} from events_all where source_file = ? order by 1", name)
        assert rows == fast[: len(rows)], name


def test_a_record_that_athena_gave_out_says_what_the_delivered_one_says(loaded: Any) -> None:
    columns = "event_id, event_time, event_name, access_key_id, user_identity_type, bucket, key, field_faults"
    fast, slow = (
        loaded.query(f"select {columns} from events_all where source_file = ? order by 1", name)
        for name in ("plain.json", "athena.jsonl")
    )
    assert slow == fast


def test_an_object_that_a_whole_document_holds_as_text_is_a_fault(loaded: Any) -> None:
    [(faults,)] = loaded.query("select field_faults from events_all where source_file = 'parameters-as-text.json'")
    assert faults == "requestParameters"


def test_a_folder_named_like_a_file_is_a_folder(loaded: Any) -> None:
    assert loaded.sources["x.json.gz/inside.json"]["records"] == 3


def test_a_link_that_leads_nowhere_is_a_reject_and_is_tried_again(loaded: Any) -> None:
    source = loaded.sources["leads-nowhere.json"]
    assert (source["damaged"], source["rejected"], source["sha256"]) == (True, 1, None)
    assert "leads-nowhere.json" in loaded.report.read


def test_digests_insights_and_other_names_are_ignored_and_counted(loaded: Any) -> None:
    ignored = {name for name, (_, outcome) in FILES.items() if outcome.state == "ignored"}
    assert loaded.store.ignored_files() == len(ignored) == loaded.report.ignored
    assert not ignored & {record["path"] for record in loaded.store.evidence_records()}


def test_copies_are_counted_where_they_lie_and_dropped_once(loaded: Any) -> None:
    [(distinct,)] = loaded.query("select count(distinct event_id) from events")
    [(rows,)] = loaded.query("select count(*) from events")
    [(everything, copies)] = loaded.query("select count(*), count(*) filter (is_copy) from events_all")
    [(counted,)] = loaded.query("select sum(duplicates) from sources")
    assert everything - copies == rows
    assert counted == copies
    assert rows >= distinct


def test_control_characters_and_foreign_bytes_do_not_change_other_fields(loaded: Any) -> None:
    keys = dict(
        loaded.query("select source_file, key from events_all where event_id = 'event-2' and source_file like '%.json'")
    )
    assert keys["control-character.json"] == "k\x01\t2"
    assert keys["no-utf-8.json"] == "k\ufffd\ufffd2"
    assert keys["lone-surrogate.json"] == "k\ufffd2"
    assert keys["nul-escape.json"] == "k\x002"


FORMS = [
    "plain.json", "cut.json.gz", "members-alike.jsonl.gz", "broken-record.json", "null-record.json", "blank-lines.jsonl", "documents.jsonl",
    "answer.json", "answer-pages.jsonl", "list.json", "bare-record-pretty.json", "bom.json",
]  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_row_leads_to_its_raw_record_whatever_the_form(loaded: Any, name: str) -> None:
    number, event_id = loaded.rows[name][-1]
    assert raw_record(loaded.store, "cloudtrail", name, number)["eventID"] == event_id


@pytest.mark.slow
def test_a_document_of_64_mebibytes_is_read_whole(evidence: Any, record: Callable[..., dict[str, Any]]) -> None:
    filler = "x" * (1 << 20)
    evidence.write(
        "big.json",
        [
            record(n, eventName="PutObject", requestParameters={"bucketName": "b", "key": str(n), "filler": filler})
            for n in range(64)
        ],
    )
    assert evidence.cloudtrail.joinpath("big.json").stat().st_size > 64 << 20
    evidence.load()
    assert evidence.query(
        "select count(*), count(distinct key), min(length(request_parameters)) > 1000000 from events"
    ) == [(64, 64, True)]


def test_gzip_that_lies_about_its_length_is_read_in_full(evidence: Any) -> None:
    packed = zlib.compressobj(wbits=-15)
    body = packed.compress(DOCUMENT) + packed.flush()
    header = gzip.compress(b"", mtime=0)[:10]
    evidence.write(
        "lie.json.gz", header + body + zlib.crc32(DOCUMENT).to_bytes(4, "little") + (5).to_bytes(4, "little")
    )
    evidence.load()
    source = evidence.source("lie.json.gz")
    assert (source["records"], source["damaged"]) == (3, True)
