"""Commands for a POSIX shell. Names come out of logs, so that every one of them is hostile: every word is quoted."""

from __future__ import annotations

import json
import shlex
from typing import Any


def command(*words: str) -> str:
    """One command line, every word quoted."""
    return shlex.join(words)


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def aws(service: str, operation: str, **options: Any) -> str:
    """One command of the AWS CLI: an option a keyword, JSON where it is no text, a flag alone where it is True."""
    words = ["aws", service, operation]
    for name, value in options.items():
        words += [
            f"--{name.replace('_', '-')}",
            *([] if value is True else [value if isinstance(value, str) else compact(value)]),
        ]
    return command(*words)
