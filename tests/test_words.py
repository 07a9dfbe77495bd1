"""Findings, tables, notebooks and pages use the words of an incident responder: see `docs/glossary.md`."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SAID = {
    r"reached credentials?": "compromised credential",
    r"\bdeeds?\b": "action",
    r"\bacts? (?:of|on|against|by|that)\b": "action, API call",
    r"in vain": "denied attempt",
    r"nobody by name": "anonymous",
    r"told apart": "attributed, distinguished",
    r"ways? in\b(?! which)": "access path",
    r"\bdesk\b": "workbench",
    r"blind (?:hours?|time|for|in|to)\b": "not logged",
    r"\bis dark\b|\bdark (?:hours?|time)\b": "not logged",
    r"(?:is|are|was|were) seen to": "no evidence that",
    r"(?:is|are|nothing|none) held\b|\blogs? held\b|evidence holds?\b": "is in the evidence",
    r"cannot be (?:said|told)\b": "is unknown",
    r"still stands?\b": "still in effect",
    r"whose hands|one hand\b": "operator",
    r"objects? left\b": "downloaded, copied out",
    r"\d[^ ]*f\} hours": "hours and minutes",
}
PATTERN = re.compile("|".join(f"(?:{words})" for words in NOT_SAID), re.IGNORECASE)
CODE = [*ROOT.glob("ir_kit/findings.py"), *ROOT.glob("ir_kit/*/findings.py"), *ROOT.glob("ir_kit/*/tables.py")]
CODE += [ROOT / "ir_kit" / name for name in ("coverage/visibility.py", "attribution/completeness.py", "cli.py")]
CODE += [ROOT / "ir_kit" / name for name in ("object_access/questions.py", "bucket_exposure/closing_steps.py")]
NOTEBOOKS = sorted((ROOT / "playbooks").glob("*.ipynb"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def sentences(path: Path) -> Iterator[str]:
    """The texts of a file that somebody reads: literals of code; cells but headings; lines of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.JoinedStr):
                yield ast.unparse(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    elif path.suffix == ".ipynb":
        for cell in json.loads(text)["cells"]:
            yield from (line for line in "".join(cell["source"]).split("\n") if not line.startswith("#"))
    else:
        yield from text.split("\n")


@pytest.mark.parametrize("path", [*CODE, *NOTEBOOKS, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_words_are_those_of_a_responder(path: Path) -> None:
    found = [(hit.group(), text.strip()[:160]) for text in sentences(path) for hit in PATTERN.finditer(text)]
    assert not found


def test_every_word_that_is_not_said_is_recognised() -> None:
    worst = [
        "No object of b is seen to have left by an act that is not the owner's", "22 requests of nobody by name",
        "17 reached credentials could reach b", "was tried in vain", "keys that cannot be told apart", "one way in",
        "1 still stands", "the evidence holds no event", "Blind hours of b",
    ]  # fmt: skip
    assert [text for text in worst if not PATTERN.search(text)] == []
