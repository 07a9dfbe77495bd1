"""Sessions of use, baseline behaviour, operators, labels."""

from ir_kit.sessions.session_intervals import session_intervals, session_of

__all__ = ["session_intervals", "session_of"]
