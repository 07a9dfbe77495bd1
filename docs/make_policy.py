"""Write the policy of the operations that the package may call into the files of docs/policy/.

The roles are written by hand around it: JSON is YAML, and an argument of Terraform's `jsonencode`.
"""

from __future__ import annotations

import re
from pathlib import Path

from ir_kit.collect.policy import policy_json

FOLDER = Path(__file__).parent / "policy"
POLICY = re.compile(r'\{\n *"Version": "2012-10-17",\n *"Statement": \[\n.*\n *\]\n( *)\}', re.DOTALL)


def pages() -> dict[Path, str]:
    """The text of each file."""
    return {
        path: POLICY.sub(lambda match: policy_json().replace("\n", f"\n{match[1]}"), path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.iterdir())
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
