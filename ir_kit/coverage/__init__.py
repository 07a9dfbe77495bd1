"""What would have been recorded, and when: trails, data events, access logs, integrity of the log files."""
