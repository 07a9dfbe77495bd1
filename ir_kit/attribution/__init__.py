"""Who made a request: both logs matched, each request graded, outsiders identified."""
