"""Raw logs to typed evidence.

In reading order: `walking` (which files), `reading` (their bytes), `cloudtrail_documents`, `cloudtrail`, `access_log`, `configuration_lines`
(what is in them), `loading` with its two kinds (into Parquet), `workers` (side by side), `generation` (the store's own tables), `loader` (all of
it, incrementally), `store` (what counts), `columns` (the views that questions see), `raw` (a row's record in its file). `digests` and
`digest_logs` check the log files against CloudTrail's digests.
"""
