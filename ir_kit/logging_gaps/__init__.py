"""Playbook 05_logging_gaps: what was not logged, who tampered with logging, and what to switch on?"""
