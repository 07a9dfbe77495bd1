"""From a set of playbooks to a record that a hostile reader can check.

In reading order: ``parameters`` (what a playbook may be given), ``engine`` (how one notebook is executed),
``execution`` (all of them, two at a time), ``runs`` (the whole run), ``provenance`` (what it ran on), ``bag`` (the
seal), ``verify`` (is it still what was sealed), ``markup`` and ``report`` (notebooks to pages that open offline).
"""

from __future__ import annotations
