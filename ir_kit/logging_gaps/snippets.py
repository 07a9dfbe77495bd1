"""Ready snippets for the steps that `recommendations` proposes: AWS CLI, CloudFormation and Terraform, a check and a
warning.

Names come out of logs, so that every one of them is hostile: the shell gets them quoted by `shlex`, templates are
written as JSON by `json`, and HCL
strings are JSON strings whose template marks (``${``, ``%{``) are doubled. What replaces a whole setting is written
whole. Nothing here is run.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

OWNED = "import the resource first: the template states the whole of it, and what it leaves out is reset"


class Snippet(NamedTuple):
    """One step, ready to paste; None where there is no such form."""

    cli: str
    cloudformation: str | None
    terraform: str | None
    check: str
    warning: str


def command(*words: str) -> str:
    """One command line, every word quoted for a POSIX shell."""
    return shlex.join(words)


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def template(resources: Mapping[str, tuple[str, Mapping[str, Any]]]) -> str:
    """A CloudFormation template in JSON; every resource is kept when its stack goes."""
    named = {
        name: {
            "Type": kind,
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": dict(properties),
        }
        for name, (kind, properties) in resources.items()
    }
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": named}, indent=2)


def hcl_text(text: str) -> str:
    """A string as HCL reads it back: no template mark in it is ever evaluated."""
    quoted = json.dumps(text, ensure_ascii=True).replace("\\b", "\\u0008").replace("\\f", "\\u000c").replace("\\/", "/")
    return quoted.replace("${", "$${").replace("%{", "%%{")


def hcl(kind: str, name: str, body: Mapping[str, Any]) -> str:
    """One Terraform resource. A mapping is a block, a list of mappings one block each, everything else an attribute."""
    label = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f'resource "{kind}" "{label if label[:1].isalpha() else "r_" + label}" {{\n{_hcl_body(body, "  ")}}}\n'


def _hcl_body(body: Mapping[str, Any], indent: str) -> str:
    out = []
    for name, value in body.items():
        blocks = [value] if isinstance(value, Mapping) else value
        if isinstance(blocks, list) and blocks and isinstance(blocks[0], Mapping):
            out += [f"{indent}{name} {{\n{_hcl_body(block, indent + '  ')}{indent}}}\n" for block in blocks]
        else:
            out.append(f"{indent}{name} = {_hcl_value(value)}\n")
    return "".join(out)


def _hcl_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_hcl_value(item) for item in value) + "]"
    return hcl_text(str(value))


def new_bucket(bucket: str, region: str) -> str:
    """The command that makes a bucket."""
    place = [] if region == "us-east-1" else ["--create-bucket-configuration", f"LocationConstraint={region}"]
    return command("aws", "s3api", "create-bucket", "--bucket", bucket, "--region", region, *place)


def guardduty(region: str) -> Snippet:
    """GuardDuty S3 Protection in one Region, on the detector that is there or a new one."""
    feature = compact([{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}])
    ask = command(
        "aws", "guardduty", "list-detectors", "--region", region, "--query", "DetectorIds[0]", "--output", "text"
    )
    update = command("aws", "guardduty", "update-detector", "--region", region, "--features", feature)
    create = command("aws", "guardduty", "create-detector", "--enable", "--region", region, "--features", feature)
    cli = f'detector=$({ask})\nif [ "$detector" = None ]; then {create}; else {update} --detector-id "$detector"; fi'
    check = (
        f"detector=$({ask})\n"
        + command(
            "aws",
            "guardduty",
            "get-detector",
            "--region",
            region,
            "--query",
            "Features[?Name=='S3_DATA_EVENTS'].Status",
            "--output",
            "text",
        )
        + ' --detector-id "$detector"  # ENABLED'
    )
    detector = {"Enable": True, "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    terraform = hcl(
        "aws_guardduty_detector_feature",
        f"s3_{region}",
        {"detector_id": "DETECTOR_ID", "name": "S3_DATA_EVENTS", "status": "ENABLED"},
    )
    return Snippet(
        cli,
        template({"Detector": ("AWS::GuardDuty::Detector", detector)}),
        terraform,
        check,
        "finds what it knows as suspicious and keeps no record that can be asked later: no replacement for logs. "
        "A Region has one detector; in an "
        "organization the delegated administrator sets it. DETECTOR_ID is what list-detectors answers",
    )
