"""The sample incident's account as an HTTP endpoint: moto holds the objects, and what moto lacks or makes up is answered
from the sample's own configuration, in the shapes of botocore's models.

moto makes its own key ids and dates, has no LookupEvents and no ListPublicKeys, and drops partitioned prefixes. So every
call that the sample's configuration knows is answered from there; the rest, objects among it, is moto's.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from moto.core.model import OperationModel
from moto.core.utils import get_service_model

ACCOUNT = "111122223333"
REGIONS = ("us-east-1", "eu-west-1")
FAKED = {"iam", "cloudtrail", "sts", "s3", "s3control", "ec2"}
# what the sample does not speak of and moto does not know
ABSENT = {
    ("organizations", "DescribeEffectivePolicy"): "EffectivePolicyNotFoundException",
    ("organizations", "ListDelegatedAdministrators"): "AWSOrganizationsNotInUseException",
    ("cloudtrail", "GetInsightSelectors"): "InsightNotEnabledException",
}
EMPTY = {
    ("cloudtrail", "ListEventDataStores"), ("cloudtrail", "GetEventConfiguration"), ("s3control", "ListAccessGrantsInstances"), ("s3control", "ListJobs"),
    ("s3control", "ListAccessPointsForObjectLambda"),
}  # fmt: skip
_SCOPE = re.compile(r"Credential=([A-Z0-9]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_SERVICES = {"monitoring": "cloudwatch"}


class Fault(Exception):
    """An error that AWS answers."""

    def __init__(self, code: str, message: str = "no", status: int = 403) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class SampleAccount:
    """An endpoint that answers as the sample's account would.

    `before` is asked about each call first: it may answer with a dictionary or raise a `Fault`.
    """

    def __init__(self, evidence: Path) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.before: Callable[[str, str, str, dict[str, Any]], dict[str, Any] | None] | None = None
        self.models = {name: get_service_model(name) for name in sorted(FAKED)}
        self.answers: dict[str, dict[str, Any]] = {}
        self.regions: dict[str, str] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.url = ""
        self._read_configuration(evidence / "configuration.jsonl")
        self.evidence = evidence

    def _read_configuration(self, path: Path) -> None:
        self.signatures: dict[str, dict[str, Any]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            if call["operation"] == "HeadObject":
                self.signatures[call["parameters"]["Key"]] = call["response"]["Metadata"]
            elif call["operation"] == "ListPublicKeys":
                self.answers[_key("cloudtrail", "ListPublicKeys", {}, call["region"])] = call
            else:
                self.answers[_key(call["service"], call["operation"], call["parameters"], call["region"])] = call
            if call["operation"] == "GetBucketLocation":
                name = call["parameters"]["Bucket"]
                self.regions[name] = call["response"]["LocationConstraint"] or "us-east-1"

    def fill(self) -> None:
        """Put the evidence into moto's buckets under the keys it was delivered with."""
        from moto.s3.models import s3_backends

        backend = s3_backends[ACCOUNT]["aws"]
        for name, region in self.regions.items():
            backend.create_bucket(name, region)
            versioning = self.answers[_key("s3", "GetBucketVersioning", {"Bucket": name}, region)]["response"]
            if versioning:
                backend.put_bucket_versioning(name, versioning["Status"])
        logs = next(one for one in self.regions if not one.startswith("trail-logs") and "log" in one)
        for folder, bucket in (("cloudtrail", f"trail-logs-{ACCOUNT}"), ("access-logs", logs)):
            root = self.evidence / folder
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    key = path.relative_to(root).as_posix()
                    stored = backend.put_object(bucket, key, path.read_bytes())
                    if key in self.signatures:
                        stored.set_metadata({f"x-amz-meta-{n}": v for n, v in self.signatures[key].items()})

    def read_events(self, keys: Iterable[str]) -> None:
        """Let LookupEvents know the management events of these keys, as the log files hold them."""
        wanted = set(keys)
        for path in sorted((self.evidence / "cloudtrail").rglob("*.json.gz")):
            if "Digest" in str(path):
                continue
            for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
                key = record.get("userIdentity", {}).get("accessKeyId")
                if key in wanted and record.get("managementEvent"):
                    self.records.setdefault(key, []).append(record)

    # answering

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return list(self.moto(environ, start_response))
        region, service = scope[2], _SERVICES.get(scope[3], scope[3])
        if service == "s3" and environ.get("HTTP_HOST", "").startswith(f"{ACCOUNT}."):
            service = "s3control"
        try:
            operation, given = self._asked(service, environ)
            self.calls.append((service, operation, region))
            answer = self.before(service, operation, region, given) if self.before else None
            if answer is None:
                answer = self._known(service, operation, given, region)
        except Fault as fault:
            return self._fault(service, fault, environ, start_response)
        if answer is None:
            return list(self.moto(environ, start_response))
        return self._rendered(self.models[service].operation_model(operation), answer, start_response)

    def _asked(self, service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Which operation is this request, and what was given?"""
        if service in ("s3", "s3control"):
            return self._asked_by_path(service, environ)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        import io

        environ["wsgi.input"] = io.BytesIO(body)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            return target.rpartition(".")[2], json.loads(body or b"{}")
        if "/operation/" in environ["PATH_INFO"]:
            return environ["PATH_INFO"].rpartition("/")[2], {}
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        return form.pop("Action", environ["PATH_INFO"]), form

    def _asked_by_path(self, service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        if service == "s3control":
            return self._by_path().get(environ["PATH_INFO"], environ["PATH_INFO"]), {"AccountId": ACCOUNT}
        given: dict[str, Any] = {"Bucket": bucket} if bucket else {}
        if key:
            given["Key"] = key
            return ("HeadObject" if environ["REQUEST_METHOD"] == "HEAD" else "GetObject"), given
        if not bucket:
            return "ListBuckets", {}
        if environ["REQUEST_METHOD"] == "GET":
            for name, operation in self._by_query().items():
                if name in query:
                    return operation, given
        return ("ListObjectsV2" if "list-type" in query else "HeadBucket"), given

    def _by_path(self) -> dict[str, str]:
        models = [self.models["s3control"].operation_model(one) for one in self.models["s3control"].operation_names]
        return {str(one.http["requestUri"]): str(one.name) for one in models if one.http["method"] == "GET"}

    def _by_query(self) -> dict[str, str]:
        found = {}
        for name in self.models["s3"].operation_names:
            model = self.models["s3"].operation_model(name)
            path, _, asked = model.http["requestUri"].partition("?")
            if model.http["method"] == "GET" and "Key" not in path and asked and "list-type" not in asked:
                found.setdefault(asked.partition("&")[0].partition("=")[0], name)
        # what AWS replaced stands under the same word
        return found | {
            "lifecycle": "GetBucketLifecycleConfiguration", "notification": "GetBucketNotificationConfiguration",
            "inventory": "ListBucketInventoryConfigurations", "analytics": "ListBucketAnalyticsConfigurations",
            "metrics": "ListBucketMetricsConfigurations",
        }  # fmt: skip

    def _known(self, service: str, operation: str, given: dict[str, Any], region: str) -> dict[str, Any] | None:
        if service == "ec2" and operation == "DescribeRegions":
            return {"Regions": [{"RegionName": name} for name in REGIONS]}
        if operation == "LookupEvents":
            return self._looked_up(given)
        if operation == "ListPublicKeys":
            given = {}
        if operation == "DescribeTrails":
            given = {}
        if service == "iam":
            given = {name: value for name, value in given.items() if name not in ("Version", "MaxItems")}
        if service == "sts":
            given = {name: value for name, value in given.items() if name != "Version"}
        call = self.answers.get(_key(service, operation, given, region))
        if call is None and service != "cloudtrail":  # global, or answered for from elsewhere
            call = next((c for r in REGIONS if (c := self.answers.get(_key(service, operation, given, r)))), None)
        if call is None and (service, operation) in ABSENT:
            raise Fault(ABSENT[service, operation], "there is none", 404)
        if call is None and (service, operation) in EMPTY:
            return {}
        if call is None:
            return {"DescribeTrails": self._shadows(), "ListPublicKeys": {"PublicKeyList": []}}.get(operation)
        if "error" in call:
            code = call["error"]["Code"]
            raise Fault(code, call["error"]["Message"], 403 if code == "AccessDenied" else 404)
        response: dict[str, Any] = json.loads(json.dumps(call["response"]))
        return response

    def _shadows(self) -> dict[str, Any]:
        """Elsewhere a trail of every Region is listed too, as its shadow."""
        home = self.answers[_key("cloudtrail", "DescribeTrails", {}, REGIONS[0])]["response"]["trailList"]
        return {"trailList": [trail for trail in home if trail["IsMultiRegionTrail"]]}

    def _looked_up(self, given: dict[str, Any]) -> dict[str, Any]:
        key = given["LookupAttributes"][0]["AttributeValue"]
        found = []
        for record in self.records.get(key, []):
            moment = datetime.fromisoformat(record["eventTime"]).timestamp()
            if given["StartTime"] <= moment <= given["EndTime"]:
                found.append(
                    {
                        "EventId": record["eventID"], "EventName": record["eventName"], "EventTime": record["eventTime"],
                        "AccessKeyId": key, "CloudTrailEvent": json.dumps(record),
                    }
                )  # fmt: skip
        start = int(given.get("NextToken") or 0)
        more = {"NextToken": str(start + 50)} if len(found) > start + 50 else {}
        return {"Events": found[start : start + 50], **more}

    def _rendered(
        self, model: OperationModel, answer: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        from moto.core.serialize import get_serializer_class

        protocol = model.service_model.metadata.get("protocol")
        if model.output_shape is not None:
            answer = _shaped(answer, model.output_shape)
        serializer = get_serializer_class(model.service_model.service_name, protocol)(model)
        found = serializer.serialize(answer)
        body = found["body"] if isinstance(found["body"], bytes) else found["body"].encode()
        headers = [(name, str(value)) for name, value in found["headers"].items()]
        start_response(f"{found['status_code']} OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _fault(
        self, service: str, fault: Fault, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET"):
            body = json.dumps({"__type": fault.code, "message": fault.message}).encode()
        elif service == "s3":
            body = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>".encode()
        elif service == "ec2":
            error = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
            body = f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>".encode()
        else:
            error = f"<Error><Type>Sender</Type><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
            body = f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode()
        if environ["REQUEST_METHOD"] == "HEAD":
            body = b""
        start_response(f"{fault.status} Error", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    # serving

    @contextmanager
    def served(self) -> Iterator[SampleAccount]:
        """Serve it on this machine; hosts that start with an account's number lead here too."""
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        class Quiet(MotoRequestHandler):
            def log_request(self, *args: Any) -> None:
                pass

        self.moto = DomainDispatcherApplication(create_backend_app)
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        from moto.s3 import models

        # for each page of versions, moto copies all that a bucket holds, and in depth
        deep, models.copy = models.copy, SimpleNamespace(copy=copy.copy, deepcopy=_shallow)
        real = socket.getaddrinfo

        def here(host: Any, *rest: Any, **more: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else str(host)
            return real("127.0.0.1" if name.endswith(".127.0.0.1") else host, *rest, **more)

        socket.getaddrinfo = here  # type: ignore[assignment]
        try:
            yield self
        finally:
            socket.getaddrinfo = real
            models.copy = deep
            server.shutdown()
            thread.join()
            server.server_close()

    def environment(self, access_key: str = "AKIAIOSFODNN7EXAMPLE", secret: str = "s" * 40) -> dict[str, str]:
        """What leads the AWS libraries here, as these credentials."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }  # fmt: skip


def _shallow(value: Any) -> Any:
    return [copy.copy(item) for item in value] if isinstance(value, list) else copy.copy(value)


def responder_key(policy: str) -> tuple[str, str]:
    """A key of the account whose user may do what this policy says, and nothing else."""
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_user("us-east-1", "responder")
    backend.put_user_policy("responder", "collect", policy)
    key = backend.create_access_key("responder")
    return key.access_key_id, key.secret_access_key


def _key(service: str, operation: str, parameters: dict[str, Any], region: str) -> str:
    asked = {name: value for name, value in parameters.items() if name not in ("MaxBuckets",)}
    return json.dumps([service, operation, asked, region], sort_keys=True)


def _shaped(value: Any, shape: Any) -> Any:
    """JSON's times and bytes as botocore's shapes want them."""
    if value is None:
        return None
    if shape.type_name == "structure":
        known = {name: shape.members[name] for name in value if name in shape.members}
        return {name: _shaped(value[name], one) for name, one in known.items() if value[name] is not None}
    if shape.type_name == "list":
        return [_shaped(item, shape.member) for item in value]
    if shape.type_name == "timestamp":
        return datetime.fromisoformat(value)
    if shape.type_name == "blob":
        return base64.b64decode(value)
    if isinstance(value, (dict, list)) and shape.type_name == "string":
        return quote(json.dumps(value))  # as IAM sends a policy
    return value
