"""Write docs/policy/ from the operations that the package may call."""

from __future__ import annotations

from pathlib import Path

from ir_kit.collect.policy import cloudformation, policy_json, terraform

FOLDER = Path(__file__).parent / "policy"


def pages() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        "ir-kit-collect.json": policy_json() + "\n",
        "ir-kit-collect.cloudformation.yaml": cloudformation(),
        "ir-kit-collect.tf": terraform(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
