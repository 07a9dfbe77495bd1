"""Where the SQL runs: the same text on each engine, which alone knows its dialect's placeholders and files."""
