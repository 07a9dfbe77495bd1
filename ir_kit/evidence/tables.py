"""Which evidence there is."""

from __future__ import annotations

from ir_kit.tables import ResultColumn, columns

TABLES: dict[str, tuple[ResultColumn, ...]] = {
    "evidence/coverage": columns(
        ("source_kind", "varchar", "`cloudtrail`, `access_log` or `configuration`"),
        ("record_class", "varchar", "`management`, `data_read`, `data_write`, `other`, `server_access_log`, `configuration`; null for rejects"),
        ("bucket", "varchar", "null for calls that name no bucket"),
        ("aws_region", "varchar", "null where the source does not say"),
        ("day", "date", "of the events, UTC; null for rejects"),
        ("files", "bigint", "files that hold at least one such record"),
        ("records", "bigint", "as they lie in the files, copies included"),
        ("duplicates", "bigint", "of these, copies that were dropped"),
        ("rejected", "bigint", "what could not be read"),
        ("first_time", "timestamp", "of the records"),
        ("last_time", "timestamp", "of the records"),
    ),
    "evidence/rejects": columns(
        ("source_file", "varchar", "relative to its source"),
        ("kind", "varchar", "`cloudtrail`, `access_log` or `configuration`"),
        ("number", "integer", "line or record number, from 1; 0 for the file as a whole"),
        ("reason", "varchar", "why it could not be read"),
        ("bytes", "bigint", "its length"),
        ("content", "varchar", "its beginning, secrets replaced"),
    ),
    "evidence/sources": columns(
        ("kind", "varchar", "`cloudtrail`, `access_log` or `configuration`"),
        ("path", "varchar", "relative to its source"),
        ("bytes", "bigint", "of the file"),
        ("sha256", "varchar", "of the file, as it was read"),
        ("records", "bigint", "as they lie in the file"),
        ("duplicates", "bigint", "of these, copies"),
        ("rejected", "bigint", "what could not be read"),
        ("damaged", "boolean", "the file is broken"),
        ("present", "boolean", "false where the file has gone since"),
        ("first_time", "timestamp", "of the records"),
        ("last_time", "timestamp", "of the records"),
    ),
}  # fmt: skip
