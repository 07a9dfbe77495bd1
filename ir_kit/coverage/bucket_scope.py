"""What a zero on one bucket's objects means: how much of the window did either log cover?"""

from __future__ import annotations

from ir_kit.coverage.bucket_hours import LogCoverage
from ir_kit.findings import Scope


def scope_of(coverage: LogCoverage, loss: str = "") -> Scope:
    """How much of the window did either log cover, for this bucket and class?

    Parameters
    ----------
    coverage : LogCoverage
        Which hours of the bucket's window were covered by which log.
    loss : str
        What the access log loses, in a sentence.
    """
    blind, log_only, doubt = coverage.hours("blind"), coverage.hours("access_log_only"), coverage.hours("uncertain")
    bucket, parts = coverage.bucket, []
    if blind:
        first, last = coverage.spans("blind")[0][0], coverage.spans("blind")[-1][1]
        parts.append(
            f"For {blind:,.1f} hours of the window neither data events nor an access log covered {bucket} (between "
            f"{first:%Y-%m-%d %H:%M} and {last:%Y-%m-%d %H:%M} UTC): what was done then is in no number."
        )
    if doubt:
        parts.append(f"For {doubt:,.1f} hours it is uncertain whether a log covered {bucket}; logging_gaps tells why.")
    if log_only:
        parts.append(
            f"For {log_only:,.1f} hours only the access log covered {bucket}, which is delivered on a best-effort basis. "
            f"{loss}".strip()
        )
    return Scope(not blind and not doubt, " ".join(parts), access_logs_only=bool(log_only))
