"""Raw logs to typed evidence.

In reading order: `walking` (which files), `reading` (their bytes), `documents`, `cloudtrail`, `access_log`, `configuration` (what they hold), `loading`
(into Parquet), `copies`, `ingest` (all of it, incrementally), `store` (what counts), `columns` (the views that questions see).
"""
