"""Who could reach the buckets from outside, who did, and what changed that.

By configuration: `answers` (what was said, refused, not asked), `holdings` (whose buckets), `blocks` (Block Public
Access), then a module for each kind of way in (`policy_ways`, `acls`, `access_points`, `access_grants`, `outflows`),
`actors` and `reach` (what a reached credential could do), `verdicts`, and `asking`, which asks it all of a case.
"""

from ir_kit.exposure.asking import bucket_verdicts, reachable, settings_held, ways_in

__all__ = ["bucket_verdicts", "reachable", "settings_held", "ways_in"]
