"""How an answer of AWS that comes in pages goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name

__all__ = ["following"]


def following(client: Any, operation: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """How does one ask for the next page? By botocore's own table of paginators, else by the names of its models."""
    name = xform_name(operation)
    if client.can_paginate(name):
        given = client.get_paginator(name)._pagination_cfg
        pairs = list(zip(_list(given["input_token"]), _list(given["output_token"]), strict=True))
        more = given.get("more_results")
    else:
        shape = client.meta.service_model.operation_model(operation).input_shape
        pairs = [(one, told) for one, told in _TOKENS if shape is not None and one in shape.members]
        more = None

    def next_page(response: dict[str, Any]) -> dict[str, Any]:
        if more and not response.get(more):
            return {}
        found = {}
        for asked, told in pairs:
            for one in told.split("||"):
                if response.get(one.strip()):
                    found[asked] = response[one.strip()]
                    break
        return found

    return next_page


_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("ContinuationToken", "NextContinuationToken"))


def _list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
