"""Sessions of use, baseline behaviour, operators, labels."""

from ir_kit.sessions.session_table import baselines, operators, session_intervals, session_of, sessions

__all__ = ["baselines", "operators", "session_intervals", "session_of", "sessions"]
