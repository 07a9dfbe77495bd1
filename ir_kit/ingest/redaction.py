"""Secrets that logs carry: session tokens, signatures, passwords. They are replaced as a record is read, before anything is stored.

The key id in a pre-signed URI stays: it names the key and opens nothing. The raw record keeps everything, in the source file alone.
"""

from __future__ import annotations

import re
from typing import Any

REDACTED = "REDACTED"

# What follows is one rule written for two readers: Python's `re` and the engine's RE2 accept the same patterns.
SECRET_NAME = (
    r"(?:[a-z0-9_-]*(?:session|security|signin|delegatedaccess)[-_]?token|secretaccesskey|(?:x-amz-)?signature|password"
    r"|privatekey|plaintext|webidentitytoken|samlassertion)"
)
JSON_SECRET = r'(?i)"(' + SECRET_NAME + r')"(\s*:\s*)"(?:[^"\\]|\\.)*"'
JSON_REPLACEMENT = r'"\1"\2"REDACTED"'
URI_SECRET = r"(?i)([?&;](?:x-amz-security-token|x-amz-signature|signature|token|password)=)[^& \"]*"
URI_REPLACEMENT = r"\1REDACTED"

_name = re.compile("(?i)^" + SECRET_NAME + "$")
_uri = re.compile(URI_SECRET)
# text that need not be whole: the closing quote may be missing, and the JSON may be a string inside JSON
_json = re.compile(r'(?i)("' + SECRET_NAME + r'"\s*:\s*")(?:[^"\\]|\\.)*')
# a credentials file or a line that is broken: there a name may stand anywhere
_assigned = re.compile(
    r"(?i)((?:secret_?access_?key|session_?token|x-amz-security-token|x-amz-signature)[ \t]*=[ \t]*)[^\s&\"',;]+"
)
_json_in_json = re.compile(r'(?i)(\\"' + SECRET_NAME + r'\\"\s*:\s*\\")(?:[^"\\]|\\[^"])*')


def redacted_uri(text: str) -> str:
    """What may be shown of a URI or a referer?"""
    return _uri.sub(URI_REPLACEMENT, text)


def redacted_text(text: str) -> str:
    """What may be shown of a raw access-log line, or of JSON that may be broken?"""
    for rule in (_json, _json_in_json, _assigned):
        text = rule.sub(r"\1" + REDACTED, text)
    return redacted_uri(text)


def redacted(value: Any) -> Any:
    """What may be shown of a decoded record? The same structure with its secrets replaced."""
    if isinstance(value, dict):
        return {
            name: REDACTED if isinstance(item, str) and _name.match(str(name)) else redacted(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value
