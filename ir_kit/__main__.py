"""``python -m ir_kit`` is ``ir-kit``."""

from __future__ import annotations

from ir_kit.cli import main

if __name__ == "__main__":
    main()
