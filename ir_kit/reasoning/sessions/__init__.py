"""Runs of use, what the owner is known to do, and the analyst's labels."""
