"""Raw logs to typed evidence.

In reading order: `walking` (which files), `reading` (their bytes), `documents`, `cloudtrail`, `access_log`, `configuration` (what they
hold), `parts` and `loading` with its two kinds (into Parquet), `workers` (side by side), `copies`, `rows` (the store's own tables), `ingest`
and `generation` (all of it, incrementally), `store` (what counts), `columns` (the views that questions see), `raw` (a row's record in its file). `digests` and
`digest_logs` check the log files against CloudTrail's digests.
"""
