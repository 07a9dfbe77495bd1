"""Is anybody there to press a button? Only then is there a desk; else a notebook shows its static tables alone."""

from __future__ import annotations

import os

__all__ = ["is_live"]

STAGING = "IR_KIT_STAGING"
SESSION = "JPY_SESSION_NAME"


def is_live() -> bool:
    """Is this kernel one that JupyterLab opened for a notebook, and no run that is being recorded?

    Notes
    -----
    JupyterLab names the notebook in the kernel's environment; papermill, nbclient and a plain Python do not, and
    ``ir-kit run`` names its staging folder.
    """
    return STAGING not in os.environ and bool(os.environ.get(SESSION))
