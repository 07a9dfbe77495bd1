"""An account's configuration for each test."""

from __future__ import annotations

import pytest
from bucket_answers import Answers


@pytest.fixture
def answers() -> Answers:
    """An account with one bucket of which everything was asked, and nothing is set."""
    return Answers()
