"""User agents, taken apart: the tool, its version, the language, the operating system.

What a client says of itself can be forged; a forger copies the whole text. So a user agent that is the owner's to the
letter says little by itself, and one that is another tool or another system says that it is another installation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ir_kit.domain.principals import agent_family

_TOOL = re.compile(r"^\W*([A-Za-z][\w .+-]*?)[/ ]v?(\d[\w.\-+]*)")
_LANGUAGE = re.compile(
    r"(?:\blang/|\b)(python|java|go|nodejs|js|ruby|php|rust|kotlin|swift|dotnet|\.net)(?=[/# ;)_]|$)", re.I
)
_BROWSER = re.compile(r"\b(Edg|OPR|Firefox|Chrome|Safari)\w*/")
_LINUX = (
    ("kali", "kali"), ("parrot", "parrot"), ("microsoft", "wsl"), ("amzn", "amazon"), ("-aws", "aws"),
    ("-azure", "azure"), ("-gcp", "gcp"), ("generic", "ubuntu"), ("-amd64", "debian"), ("arch1", "arch"),
    (".el", "rhel"), (".fc", "fedora"),
)  # fmt: skip
_SERVERS = {"linux", *(f"linux {name}" for _, name in _LINUX if name not in ("kali", "parrot", "wsl"))}
_SYSTEMS = (
    ("darwin", "macos"), ("macos", "macos"), ("mac os", "macos"), ("windows", "windows"), ("android", "android"),
    *((mark, f"linux {name}") for mark, name in _LINUX), ("", "linux"),
)  # fmt: skip


@dataclass(frozen=True)
class UserAgent:
    """The parts of a user agent; what it does not say is None. `client` is the text without the AWS CLI's command."""

    client: str | None
    tool: str | None = None
    version: str | None = None
    language: str | None = None
    system: str | None = None

    @property
    def family(self) -> tuple[str, str | None, str | None] | None:
        """What stays equal from one version to the next: tool, language and system."""
        return None if self.tool is None else (self.tool, self.language, self.system)

    @property
    def portable(self) -> bool:
        """Is this a browser or a desktop, which people carry about?"""
        return self.tool == "browser" or self.system in ("macos", "windows", "wsl", "android")


def same_family(first: UserAgent, second: UserAgent) -> bool:
    """Do both name one tool in one language on one system, whatever their versions? What one does not say may agree."""
    if first.tool is None or first.tool != second.tool:
        return False
    if first.language and second.language and first.language != second.language:
        return False
    systems = {first.system, second.system} - {None}
    return len(systems) < 2 or ("linux" in systems and systems <= _SERVERS)


@lru_cache(maxsize=100_000)
def user_agent_of(text: str | None) -> UserAgent:
    """Which tool, language and system does a user agent name? Where it names no version, the tool is the whole text.

    Cannot see whether it is true. Source: AWS SDKs and Tools Reference Guide, "Application ID" (the format of SDKs'
    agents), and the agents that CloudTrail records hold.
    """
    if not text:
        return UserAgent(None)
    client = agent_family(text) or text
    lower = client.lower()
    named, language = _TOOL.match(client), _LANGUAGE.search(client)
    tool, version = (named[1].strip().lower(), named[2]) if named else (lower, None)
    browser = _BROWSER.search(client) if tool == "mozilla" else None
    if browser:
        tool, version, language = "browser", None, browser
    marks = _SYSTEMS if "linux" in lower else _SYSTEMS[:5]
    system = next((name for mark, name in marks if mark in lower), None)
    return UserAgent(client, tool, version, language[1].lower() if language else None, system)
