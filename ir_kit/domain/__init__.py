"""Primitives that every part shares, each defined once: intervals and timelines, principals, outcomes, three-valued logic, frames."""
