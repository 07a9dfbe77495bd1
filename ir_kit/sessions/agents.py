"""User agents, taken apart: the tool, its version, the language, the operating system, the command.

What a client says of itself can be forged; a forger copies the whole text. So an agent that is the owner's to the
letter says little by itself, and one that is another tool or another system says that it is another installation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ir_kit.domain.principals import agent_family

_TOOL = re.compile(r"^\W*([A-Za-z][\w .+-]*?)[/ ]v?(\d[\w.\-+]*)")
_COMMAND = re.compile(r"\b(?:md/)?command[/#](\S+)")
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
    ("darwin", "macos"),
    ("macos", "macos"),
    ("mac os", "macos"),
    ("windows", "windows"),
    ("android", "android"),
)


@dataclass(frozen=True)
class Agent:
    """One user agent's parts; what it does not say is None.

    `family` is the whole text without the AWS CLI's command; `make` what stays equal from one version to the next.
    """

    family: str | None
    tool: str | None = None
    version: str | None = None
    language: str | None = None
    system: str | None = None
    command: str | None = None

    @property
    def make(self) -> tuple[str, str | None, str | None] | None:
        return None if self.tool is None else (self.tool, self.language, self.system)

    @property
    def portable(self) -> bool:
        """Is this a browser or a desktop, which people carry about?"""
        return self.tool == "browser" or self.system in ("macos", "windows", "wsl", "android")


def same_make(one: Agent, other: Agent) -> bool:
    """Do both name one tool in one language on one system, whatever their versions? What one does not say may agree."""
    if one.tool is None or one.tool != other.tool:
        return False
    if one.language and other.language and one.language != other.language:
        return False
    systems = {one.system, other.system} - {None}
    if len(systems) < 2:
        return True
    return "linux" in systems and systems <= _SERVERS


@lru_cache(maxsize=100_000)
def agent_of(user_agent: str | None) -> Agent:
    """Which tool, language and system does a user agent name?

    Returns
    -------
    Agent
        Of a text that names no version, the tool is the whole of it.

    Notes
    -----
    Cannot see whether it is true. Source: AWS SDKs and Tools Reference Guide, "Application ID" (the format of SDKs'
    agents), and the agents that CloudTrail records hold.
    """
    if not user_agent:
        return Agent(user_agent or None)
    family = agent_family(user_agent) or user_agent
    text = family.lower()
    command = _COMMAND.search(user_agent)
    named = _TOOL.match(family)
    tool = named[1].strip().lower() if named else text
    version = named[2] if named else None
    browser = _BROWSER.search(family) if tool == "mozilla" else None
    if browser:
        tool, version = "browser", None
    language = _LANGUAGE.search(family)
    return Agent(
        family,
        tool,
        version,
        (browser[1] if browser else language[1] if language else "").lower() or None,
        _system(text),
        command[1] if command else None,
    )


def _system(text: str) -> str | None:
    for mark, name in _SYSTEMS:
        if mark in text:
            return name
    if "linux" not in text:
        return None
    return next((f"linux {name}" for mark, name in _LINUX if mark in text), "linux")
