"""Facts on the guard: nothing leaves that is not on the list, by whatever way it is called."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from ir_kit.aws import operations
from ir_kit.aws.clients import Session, writer_client
from ir_kit.aws.guard import GUARD, RefusedCall, WritingGuard
from ir_kit.aws.operations import ALLOWED, CREDENTIALS, OPERATIONS, actions
from ir_kit.errors import ParameterError

PACKAGE = Path(__file__).parents[2] / "ir_kit"
SENT = AssertionError("a request has left")


@pytest.fixture
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: Any, **__: Any) -> None:
        raise SENT

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", send)


def test_every_operation_of_the_list_exists_in_botocore() -> None:
    models = botocore.session.Session()
    for service in {service for service, _ in ALLOWED | CREDENTIALS}:
        listed = {name for other, name in ALLOWED | CREDENTIALS if other == service}
        assert listed <= set(models.get_service_model(service).operation_names)


def test_every_operation_of_the_list_reads() -> None:
    reports = {"GenerateCredentialReport", "GenerateServiceLastAccessedDetails"}
    for _, name in ALLOWED:
        assert name.startswith(("Get", "List", "Head", "Describe", "Lookup")) or name in reports
    gives_credentials = {"GetSessionToken", "GetFederationToken", "GetDataAccess", "GetRoleCredentials", "GetDelegatedAccessToken"}  # fmt: skip
    assert not gives_credentials & {name for _, name in ALLOWED}


def test_every_s3_operation_of_the_list_is_a_get_or_a_head() -> None:
    for service in ("s3", "s3control"):
        model = botocore.session.Session().get_service_model(service)
        for name in (name for other, name in ALLOWED if other == service):
            assert model.operation_model(name).http["method"] in ("GET", "HEAD")


def test_every_operation_names_its_actions_and_none_writes() -> None:
    writing = re.compile(
        r":(Put|Create|Delete|Update|Attach|Detach|Add|Remove|Set|Tag|Untag|Start|Stop|Restore|Abort|Pass)"
    )
    assert all(operation.actions for operation in OPERATIONS)
    assert not [action for action in actions() if writing.search(action)]
    assert list(actions()) == sorted(set(actions()))


@pytest.mark.parametrize("service", sorted({service for service, _ in ALLOWED}))
def test_of_every_service_each_operation_that_is_not_listed_is_refused_before_it_leaves(
    session: Session, nothing_leaves: None, service: str
) -> None:
    client = session.client(service, attempts=1)
    refused = 0
    for name in client.meta.service_model.operation_names:
        if (service, name) in ALLOWED | CREDENTIALS:
            continue
        with pytest.raises(RefusedCall, match="not sent: it is not on the list"):
            getattr(client, xform_name(name))()
        refused += 1
    assert refused


def test_a_listed_operation_passes_the_guard(session: Session, nothing_leaves: None) -> None:
    with pytest.raises(AssertionError, match="a request has left"):
        session.client("s3", attempts=1).get_object(Bucket="b", Key="k")
    with pytest.raises(AssertionError, match="a request has left"):
        session.client("sts", attempts=1).get_caller_identity()


def test_no_url_or_form_is_signed_in_advance_for_what_is_not_listed(session: Session) -> None:
    client = session.client("s3")
    with pytest.raises(RefusedCall):
        client.generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"})
    with pytest.raises(RefusedCall):
        client.generate_presigned_post("b", "k")
    with pytest.raises(RefusedCall):
        list(client.get_paginator("list_multipart_uploads").paginate(Bucket="b"))


def test_a_request_that_another_hook_turned_into_a_write_is_refused_as_it_leaves(
    session: Session, nothing_leaves: None
) -> None:
    client = session.client("s3", "eu-central-1", attempts=1)

    def turn(request: Any, **_: Any) -> None:
        request.method = "DELETE"

    client.meta.events.register("request-created.s3.GetObject", turn)
    with pytest.raises(RefusedCall, match="it would be sent as DELETE"):
        client.get_object(Bucket="b", Key="k")


def test_a_service_without_a_listed_operation_has_no_client(session: Session) -> None:
    for service in ("rds", "lambda", "sso"):
        with pytest.raises(RefusedCall, match="no operation of this service is allowed"):
            session.client(service)


def test_the_guard_refuses_by_name_what_is_sent_without_a_client() -> None:
    GUARD.check("s3", "GetObject", "GET")
    for operation, method in (("PutObject", "PUT"), ("GetObject", "PUT"), ("DeleteObject", "DELETE")):
        with pytest.raises(RefusedCall):
            GUARD.check("s3", operation, method)


def test_only_one_module_sends_without_a_botocore_client_and_it_can_only_get() -> None:
    """The guard cannot look into obstore: nothing but its ``get`` and its store is named, and that in one module."""
    users = [path for path in PACKAGE.rglob("*.py") if "obstore" in path.read_text()]
    assert [path.name for path in users if re.search(r"^(import|from) obstore", path.read_text(), re.M)] == ["s3.py"]
    (tree,) = (ast.parse(path.read_text()) for path in users if path.name == "s3.py")
    taken = {
        node.attr for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "obstore"
    }  # fmt: skip
    imported = {
        name.name for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("obstore") for name in node.names
    }  # fmt: skip
    assert (taken, imported) == ({"get"}, {"BaseError", "S3Store"})


def test_only_the_clients_module_makes_clients() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if "boto" not in text or path.name == "clients.py":
            continue
        for node in ast.walk(ast.parse(text)):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith(("boto3", "botocore.session", "botocore.client"))], (
                path
            )


def test_the_archives_client_puts_below_its_prefix_and_nothing_else(ambient: None, nothing_leaves: None) -> None:
    client, bucket, prefix = writer_client("s3://archive/runs")
    assert (bucket, prefix) == ("archive", "runs/")
    with pytest.raises(AssertionError, match="a request has left"):
        client.put_object(Bucket="archive", Key="runs/one/bagit.txt", Body=b"x")
    for place in (
        {"Bucket": "archive", "Key": "elsewhere"}, {"Bucket": "archive", "Key": "runs-of-others/x"},
        {"Bucket": "other", "Key": "runs/x"}, {"Bucket": "archive", "Key": "runs/../x"}, {"Bucket": "archive", "Key": "runs"},
    ):  # fmt: skip
        with pytest.raises(RefusedCall, match="leads out of s3://archive/runs/"):
            client.put_object(Body=b"x", **place)
    for name in (
        "get_object",
        "delete_object",
        "put_object_acl",
        "copy_object",
        "list_objects_v2",
        "create_multipart_upload",
    ):
        with pytest.raises(RefusedCall, match="puts objects and does nothing else"):
            getattr(client, name)(Bucket="archive", Key="runs/x")
    with pytest.raises(RefusedCall):
        client.generate_presigned_url("get_object", Params={"Bucket": "archive", "Key": "runs/x"})


def test_an_archive_needs_a_prefix(ambient: None) -> None:
    for place in ("s3://bucket", "s3://bucket/", "bucket/prefix", "s3:///x", "https://bucket/x"):
        with pytest.raises(ParameterError):
            writer_client(place)
    with pytest.raises(RefusedCall):
        WritingGuard("bucket", "/")


def test_the_list_stands_in_one_place() -> None:
    assert len(OPERATIONS) == len(ALLOWED), "an operation is listed twice"
    assert operations.ALLOWED is ALLOWED
