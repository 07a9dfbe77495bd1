"""User agents and addresses, taken apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_kit.domain.principals import agent_family
from ir_kit.errors import EvidenceError
from ir_kit.sessions.sources import Networks, block_of, is_private, same_family, user_agent_of

AMAZON = "Boto3/1.26.165 Python/3.10.6 Linux/5.10.184-175.731.amzn2.x86_64 Botocore/1.29.165"
NEWER = "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.8"
KALI = "aws-cli/2.13.5 Python/3.11.4 Linux/6.3.0-kali1-amd64 exe/x86_64.kali.2023 prompt/off command/s3.cp"
WSL = "aws-cli/2.13.5 Python/3.11.4 Linux/5.15.90.1-microsoft-standard-WSL2 exe/x86_64.ubuntu.22 prompt/off"
LAPTOP = "aws-cli/2.15.10 Python/3.11.6 Darwin/23.2.0 exe/x86_64 prompt/off"


@pytest.mark.parametrize(
    ("text", "make", "version"),
    [
        (AMAZON, ("boto3", "python", "linux amazon"), "1.26.165"),
        (KALI, ("aws-cli", "python", "linux kali"), "2.13.5"),
        (LAPTOP, ("aws-cli", "python", "macos"), "2.15.10"),
        ("rclone/v1.64.2", ("rclone", None, None), "1.64.2"),
        ("S3 Browser/11.6.7 (https://s3browser.com)", ("s3 browser", None, None), "11.6.7"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/122.0.0.0 Safari/537.36", ("browser", "chrome", "windows"), None),
        ("made-up", ("made-up", None, None), None),
    ],
)  # fmt: skip
def test_an_agent_names_tool_language_and_system(text: str, make: tuple[str, ...], version: str | None) -> None:
    agent = user_agent_of(text)
    assert ((agent.tool, agent.language, agent.system), agent.version) == (make, version)


@pytest.mark.parametrize(
    ("text", "portable"),
    [(LAPTOP, True), (AMAZON, False), (KALI, False), (WSL, True)],
)
def test_desktops_are_portable_those_in_windows_subsystem_for_linux_too(text: str, portable: bool) -> None:
    assert user_agent_of(text).portable is portable


def test_the_command_is_no_part_of_the_client() -> None:
    assert agent_family(KALI) == agent_family(KALI.replace("s3.cp", "s3.ls"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(AMAZON, NEWER, True), (AMAZON, KALI, False), (LAPTOP, KALI, False), (KALI.replace("2.13.5", "2.14.0"), KALI, True),
     ("rclone/v1.64.2", "rclone/v1.65.0", True), (AMAZON, "Boto3/1.34 os/windows", False)],
)  # fmt: skip
def test_versions_of_one_installation_are_of_one_make_and_another_system_is_not(
    one: str, other: str, same: bool
) -> None:
    assert same_family(user_agent_of(one), user_agent_of(other)) is same


def test_no_agent_is_of_no_make() -> None:
    assert not same_family(user_agent_of(None), user_agent_of(None))


@pytest.mark.parametrize(
    ("address", "block"),
    [("203.0.113.9", "203.0.113.0/24"), ("10.7.9.1", "10.7.0.0/16"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
     ("athena.amazonaws.com", "athena.amazonaws.com"), (None, None)],
)  # fmt: skip
def test_an_address_lies_in_a_block(address: str | None, block: str | None) -> None:
    assert block_of(address) == block


def test_documentation_addresses_are_not_private() -> None:
    assert not is_private("203.0.113.9") and is_private("172.16.4.1") and is_private("fd00::1")


def test_amazons_ranges_are_read_where_they_are(tmp_path: Path) -> None:
    assert Networks(tmp_path).amazon_region("3.5.140.7") is None
    listed = {"prefixes": [{"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2"}, {"ip_prefix": "3.5.141.0/24", "region": "x"}],
              "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24", "region": "us-east-1"}]}  # fmt: skip
    (tmp_path / "ip-ranges.json").write_text(json.dumps(listed))
    found = Networks(tmp_path)
    assert found.amazon_region("3.5.140.7") == "ap-northeast-2"
    assert found.amazon_region("2600:1f18::1") == "us-east-1"
    assert found.amazon_region("3.5.139.255") is None and found.amazon_region("s3.amazonaws.com") is None


@pytest.mark.parametrize("name", ["ip-ranges.json", "asn.mmdb"])
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no")
    with pytest.raises(EvidenceError, match=name):
        Networks(tmp_path)
