"""Selectors and requests with the answer that the sources give; read by `test_selectors`.

A case: selectors in short, bucket, key (None: a listing or a batch), event name and read-only, principal, the answer,
its source.
"""

from __future__ import annotations

from typing import Any

API = "API_DataResource"
FILTER = "CTUG Filtering data events, How CloudTrail evaluates multiple conditions for a field"
FIELDS = "API_AdvancedFieldSelector"
BASIC = "API_EventSelector"
GUIDE21, GUIDE27 = "field guide 2.1", "field guide 2.7"
TERRAFORM = "hashicorp/terraform-provider-aws#4043"

ALICE, BOB = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"
ROLE = "arn:aws:sts::111122223333:assumed-role/app/i-1"


def basic(values: list[str] | None, *, type_: str = "AWS::S3::Object", rw: str = "All", **more: Any) -> dict[str, Any]:
    data = [] if values is None else [{"Type": type_, "Values": values}]
    return {"EventSelectors": [{"ReadWriteType": rw, "IncludeManagementEvents": True, "DataResources": data, **more}]}


def selector(type_: str | None = "AWS::S3::Object", category: str = "Data", **fields: dict[str, list[str]]) -> Any:
    given: dict[str, dict[str, list[str]]] = {"eventCategory": {"Equals": [category]}}
    if type_:
        given["resources.type"] = {"Equals": [type_]}
    given |= {name.replace("__", "."): value for name, value in fields.items()}
    return {"FieldSelectors": [{"Field": name, **operators} for name, operators in given.items()]}


def advanced(*selectors: Any, **fields: dict[str, list[str]]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": list(selectors) or [selector(**fields)]}


def arn(**operators: list[str]) -> dict[str, Any]:
    return advanced(resources__ARN=operators)


B, B_PRE, C = "arn:aws:s3:::b/", "arn:aws:s3:::b/pre", "arn:aws:s3:::c/"
GET, PUT, LIST = ("GetObject", True), ("PutObject", False), ("ListObjects", True)
Case = tuple[dict[str, Any], str, str | None, tuple[str, bool], str | None, str, str]

CASES: list[Case] = [
    # basic: which values select what
    (basic(["arn:aws:s3"]), "b", "k", GET, ALICE, "yes", API),
    (basic(["arn:aws:s3:::"]), "b", "k", GET, ALICE, "yes", "prowler-cloud/prowler#554"),
    (basic(["arn:aws-cn:s3"]), "b", "k", GET, ALICE, "yes", API),
    (basic([B]), "b", "k", GET, ALICE, "yes", API),
    (basic([B]), "b", "deep/er/k", PUT, ALICE, "yes", API),
    (basic([B]), "b-2", "k", GET, ALICE, "no", API),
    (basic([B]), "c", "k", GET, ALICE, "no", API),
    (basic([B, C]), "c", "k", GET, ALICE, "yes", API),
    (basic([B_PRE]), "b", "pre", GET, ALICE, "yes", API),
    (basic([B_PRE]), "b", "prefix/k", GET, ALICE, "yes", API),
    (basic([B_PRE]), "b", "other", GET, ALICE, "no", API),
    (basic([B_PRE + "/"]), "b", "prefix/k", GET, ALICE, "no", API),
    (basic(["arn:aws:s3:::b"]), "b", "k", GET, ALICE, "no", TERRAFORM),
    (basic(["arn:aws:s3:::b"]), "b-2", "k", GET, ALICE, "no", TERRAFORM),
    (basic([]), "b", "k", GET, ALICE, "no", GUIDE27),
    (basic(None), "b", "k", GET, ALICE, "no", BASIC),
    (basic(["arn:aws:lambda"], type_="AWS::Lambda::Function"), "b", "k", GET, ALICE, "no", API),
    (basic(["arn:aws:s3"], type_="AWS::Lambda::Function"), "b", "k", GET, ALICE, "no", API),
    # basic: listings
    (basic(["arn:aws:s3"]), "b", None, LIST, ALICE, "yes", API),
    (basic([B]), "b", None, LIST, ALICE, "yes", API),
    (basic([B]), "c", None, LIST, ALICE, "no", API),
    (basic([B_PRE]), "b", None, LIST, ALICE, "partly", GUIDE21),
    (basic([B]), "b", None, ("HeadBucket", True), ALICE, "yes", "field guide 2.3"),
    # basic: read and write
    (basic([B], rw="ReadOnly"), "b", "k", GET, ALICE, "yes", BASIC),
    (basic([B], rw="ReadOnly"), "b", "k", PUT, ALICE, "no", BASIC),
    (basic([B], rw="WriteOnly"), "b", "k", GET, ALICE, "no", BASIC),
    (basic([B], rw="WriteOnly"), "b", "k", PUT, ALICE, "yes", BASIC),
    (basic([B], rw="WriteOnly"), "b", None, LIST, ALICE, "no", BASIC),
    # basic: any of several selectors
    (
        {"EventSelectors": [*basic([B], rw="ReadOnly")["EventSelectors"], *basic([C])["EventSelectors"]]},
        "b", "k", PUT, ALICE, "no", BASIC,
    ),
    (
        {"EventSelectors": [*basic([B], rw="ReadOnly")["EventSelectors"], *basic([C])["EventSelectors"]]},
        "c", "k", PUT, ALICE, "yes", BASIC,
    ),
    # advanced: everything, and the required fields
    (advanced(), "b", "k", GET, ALICE, "yes", GUIDE27),
    (advanced(), "b", None, LIST, ALICE, "yes", GUIDE27),
    (advanced(selector(type_=None)), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(selector(category="Management", type_=None)), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(selector(category="NetworkActivity")), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(selector(type_="AWS::S3::AccessPoint")), "b", "k", GET, ALICE, "no", GUIDE27),
    (advanced(selector(type_="AWS::S3ObjectLambda::AccessPoint")), "b", "k", GET, ALICE, "no", GUIDE27),
    (advanced(selector(type_="AWS::S3Express::Object")), "b", "k", GET, ALICE, "no", GUIDE27),
    (advanced(selector(type_="AWS::S3Outposts::Object")), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(selector(type_="AWS::S3::AccessPoint"), selector()), "b", "k", GET, ALICE, "yes", FILTER),
    # advanced: resources.ARN
    (arn(StartsWith=[B]), "b", "k", GET, ALICE, "yes", FIELDS),
    (arn(StartsWith=[B]), "b-2", "k", GET, ALICE, "no", FIELDS),
    (arn(StartsWith=["arn:aws:s3:::b"]), "b", "k", GET, ALICE, "yes", FIELDS),
    (arn(StartsWith=["arn:aws:s3:::b"]), "b-2", "k", GET, ALICE, "yes", FIELDS),
    (arn(StartsWith=[B, C]), "c", "k", GET, ALICE, "yes", FILTER),
    (arn(StartsWith=[B_PRE]), "b", "prefix", GET, ALICE, "yes", FIELDS),
    (arn(StartsWith=[B_PRE]), "b", "other", GET, ALICE, "no", FIELDS),
    (arn(Equals=[B + "k"]), "b", "k", GET, ALICE, "yes", FIELDS),
    (arn(Equals=[B + "k"]), "b", "k2", GET, ALICE, "no", FIELDS),
    (arn(Equals=[B]), "b", "k", GET, ALICE, "no", FIELDS),
    (arn(StartsWith=["arn:aws:s3:::*"]), "b", "k", GET, ALICE, "no", "CTUG: selectors don't support wildcards"),
    (arn(EndsWith=[".csv"]), "b", "k.csv", GET, ALICE, "yes", FIELDS),
    (arn(EndsWith=[".csv"]), "b", "k.pdf", GET, ALICE, "no", FIELDS),
    (arn(NotStartsWith=[B]), "b", "k", GET, ALICE, "no", FILTER),
    (arn(NotStartsWith=[B]), "c", "k", GET, ALICE, "yes", FILTER),
    (arn(NotStartsWith=[B, C]), "c", "k", GET, ALICE, "no", FILTER),
    (arn(NotStartsWith=[B, C]), "d", "k", GET, ALICE, "yes", FILTER),
    (arn(NotStartsWith=["arn:aws:s3:::b"]), "b-2", "k", GET, ALICE, "no", FILTER),
    (arn(NotEquals=[B + "k"]), "b", "k", GET, ALICE, "no", FILTER),
    (arn(NotEquals=[B]), "b", "k", GET, ALICE, "yes", FIELDS),
    (arn(NotEndsWith=[".log"]), "b", "k.log", GET, ALICE, "no", FILTER),
    (arn(NotEndsWith=[".log"]), "b", "k", GET, ALICE, "yes", FILTER),
    (arn(StartsWith=[B], NotStartsWith=[B_PRE]), "b", "pre/k", GET, ALICE, "no", FILTER),
    (arn(StartsWith=[B], NotStartsWith=[B_PRE]), "b", "k", GET, ALICE, "yes", FILTER),
    (arn(StartsWith=[B], Equals=[C + "k"]), "c", "k", GET, ALICE, "yes", FILTER),
    (arn(StartsWith=[B], Equals=[C + "k"]), "c", "k2", GET, ALICE, "no", FILTER),
    (arn(StartsWith=[B], EndsWith=[".csv"]), "c", "k.csv", GET, ALICE, "yes", FILTER),
    # advanced: listings under a filter on ARNs
    (arn(StartsWith=[B]), "b", None, LIST, ALICE, "partly", GUIDE21),
    (arn(StartsWith=[C]), "b", None, LIST, ALICE, "no", GUIDE21),
    (arn(StartsWith=[B_PRE]), "b", None, LIST, ALICE, "partly", GUIDE21),
    (arn(NotStartsWith=[C]), "b", None, LIST, ALICE, "yes", GUIDE21),
    (arn(NotStartsWith=[B]), "b", None, LIST, ALICE, "partly", GUIDE21),
    # advanced: event names and read-only
    (advanced(eventName={"Equals": ["GetObject"]}), "b", "k", GET, ALICE, "yes", FIELDS),
    (advanced(eventName={"Equals": ["GetObject"]}), "b", "k", PUT, ALICE, "no", FIELDS),
    (advanced(eventName={"Equals": ["GetObject", "PutObject"]}), "b", "k", PUT, ALICE, "yes", FILTER),
    (advanced(eventName={"StartsWith": ["Delete"]}), "b", "k", ("DeleteObject", False), ALICE, "yes", FIELDS),
    (advanced(eventName={"StartsWith": ["Delete"]}), "b", None, ("DeleteObjects", False), ALICE, "yes", FIELDS),
    (advanced(eventName={"NotEquals": ["GetObject"]}), "b", "k", GET, ALICE, "no", FILTER),
    (advanced(eventName={"NotEquals": ["GetObject"]}), "b", "k", ("HeadObject", True), ALICE, "yes", FILTER),
    (advanced(eventName={"NotStartsWith": ["Get", "Head"]}), "b", "k", ("HeadObject", True), ALICE, "no", FILTER),
    (advanced(eventName={"NotEndsWith": ["Acl"]}), "b", "k", ("GetObjectAcl", True), ALICE, "no", FILTER),
    (advanced(readOnly={"Equals": ["true"]}), "b", "k", GET, ALICE, "yes", FIELDS),
    (advanced(readOnly={"Equals": ["true"]}), "b", "k", PUT, ALICE, "no", FIELDS),
    (advanced(readOnly={"Equals": ["false"]}), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(readOnly={"Equals": ["false"]}), "b", "k", PUT, ALICE, "yes", FIELDS),
    (advanced(readOnly={"Equals": ["false"]}), "b", None, LIST, ALICE, "no", FIELDS),
    # advanced: principals and the rest
    (advanced(userIdentity__arn={"Equals": [ALICE]}), "b", "k", GET, ALICE, "yes", GUIDE27),
    (advanced(userIdentity__arn={"Equals": [ALICE]}), "b", "k", GET, BOB, "no", GUIDE27),
    (advanced(userIdentity__arn={"Equals": [ALICE]}), "b", "k", GET, None, "partly", GUIDE27),
    (advanced(userIdentity__arn={"NotEquals": [ALICE]}), "b", "k", GET, ALICE, "no", GUIDE27),
    (advanced(userIdentity__arn={"NotEquals": [ALICE]}), "b", "k", GET, BOB, "yes", GUIDE27),
    (advanced(userIdentity__arn={"NotEquals": [ALICE, BOB]}), "b", "k", GET, BOB, "no", FILTER),
    (advanced(userIdentity__arn={"StartsWith": [ROLE[:-3]]}), "b", "k", GET, ROLE, "yes", GUIDE27),
    (advanced(userIdentity__arn={"NotStartsWith": [ROLE[:-3]]}), "b", "k", GET, ROLE, "no", GUIDE27),
    (advanced(sessionCredentialFromConsole={"NotEquals": ["true"]}), "b", "k", GET, ALICE, "partly", GUIDE27),
    (advanced(eventSource={"Equals": ["s3.amazonaws.com"]}), "b", "k", GET, ALICE, "yes", FIELDS),
    (advanced(eventSource={"NotEquals": ["s3.amazonaws.com"]}), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(eventType={"Equals": ["AwsApiCall"]}), "b", "k", GET, ALICE, "yes", FIELDS),
    (advanced(eventType={"Equals": ["AwsServiceEvent"]}), "b", "k", GET, ALICE, "no", FIELDS),
    (advanced(errorCode={"Equals": ["VpceAccessDenied"]}), "b", "k", GET, ALICE, "no", FIELDS),
    # fields are AND'd, selectors are OR'd
    (advanced(readOnly={"Equals": ["true"]}, resources__ARN={"StartsWith": [B]}), "b", "k", PUT, ALICE, "no", FILTER),
    (advanced(readOnly={"Equals": ["true"]}, resources__ARN={"StartsWith": [B]}), "c", "k", GET, ALICE, "no", FILTER),
    (
        advanced(selector(resources__ARN={"StartsWith": [B]}), selector(readOnly={"Equals": ["false"]})),
        "c", "k", PUT, ALICE, "yes", FILTER,
    ),
    (
        advanced(selector(resources__ARN={"StartsWith": [B]}), selector(readOnly={"Equals": ["false"]})),
        "c", "k", GET, ALICE, "no", FILTER,
    ),
]  # fmt: skip
