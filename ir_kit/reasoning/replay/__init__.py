"""What would have been recorded, replayed over time; acts against logging; whether the log files are whole."""
