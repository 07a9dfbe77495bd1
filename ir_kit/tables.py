"""The result tables of the playbooks, column by column: what a run leaves in ``tables/PLAYBOOK/TABLE.parquet``.

The contract names the columns that are always there; those marked here as further are the kit's own. The data dictionary is generated from here.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

_ARROW = {
    "varchar": pa.string(), "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"), "varchar[]": pa.list_(pa.string()), "date": pa.date32(),
}  # fmt: skip


class ResultColumn(NamedTuple):
    """One column of a result table."""

    name: str
    sql_type: str
    meaning: str

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, _ARROW[self.sql_type])


def _columns(*columns: tuple[str, str, str]) -> tuple[ResultColumn, ...]:
    return tuple(ResultColumn(*column) for column in columns)


_OUTCOME = ("outcome", "varchar", "`success`, `denied` (an authorization error), or `error`")

TABLES: dict[str, tuple[ResultColumn, ...]] = {
    "evidence/coverage": _columns(
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
    "evidence/rejects": _columns(
        ("source_file", "varchar", "relative to its source"),
        ("kind", "varchar", "`cloudtrail`, `access_log` or `configuration`"),
        ("number", "integer", "line or record number, from 1; 0 for the file as a whole"),
        ("reason", "varchar", "why it could not be read"),
        ("bytes", "bigint", "its length"),
        ("content", "varchar", "its beginning, secrets replaced"),
    ),
    "evidence/sources": _columns(
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
    "scoping/key_facts": _columns(
        ("access_key_id", "varchar", "an incident key"),
        ("user_name", "varchar", "the IAM user that it belongs to"),
        ("account_id", "varchar", "its account"),
        ("key_status", "varchar", "`Active`, `Inactive`, `unknown`"),
        ("create_date", "timestamp", "null where neither configuration nor logs say"),
        ("last_used_date", "timestamp", "by `GetAccessKeyLastUsed`"),
        ("last_used_service", "varchar", "by `GetAccessKeyLastUsed`"),
        ("last_used_region", "varchar", "by `GetAccessKeyLastUsed`; `N/A` where the service has none"),
        ("last_used_logged_status", "varchar", "`yes`: an event of that key and service within 15 minutes; `no`: none, though it would have been logged; `unknown`"),
        ("principal_arn", "varchar", "as the events name it"),
        ("first_event_time", "timestamp", "in baseline and window"),
        ("last_event_time", "timestamp", "in baseline and window"),
        ("event_count", "bigint", "in the window"),
        ("baseline_event_count", "bigint", "in the baseline"),
        ("decoded_account_id", "varchar", "the account that the key id encodes; null where it cannot be decoded"),
    ),
    "scoping/credentials": _columns(
        ("access_key_id", "varchar", "a credential reached from the incident keys, these included"),
        ("credential_type", "varchar", "`long_term` or `temporary`"),
        ("principal_arn", "varchar", "whom it acts as"),
        ("account_id", "varchar", "of the principal"),
        ("parent_access_key_id", "varchar", "the reached credential that it came from; null for a seed"),
        ("link", "varchar", "`seed`, `observed`, `inferred`"),
        ("link_event_name", "varchar", "null unless observed"),
        ("link_event_id", "varchar", "null unless observed"),
        ("issued_at", "timestamp", "null where not known"),
        ("first_used", "timestamp", "in the window"),
        ("last_used", "timestamp", "in the window"),
        ("event_count", "bigint", "in the window"),
        ("link_basis", "varchar", "why the link holds, in words"),
        ("depth", "integer", "steps from an incident key"),
    ),
    "scoping/footholds": _columns(
        ("event_time", "timestamp", "when the call was made"),
        ("access_key_id", "varchar", "the reached credential that called"),
        ("event_name", "varchar", "the act"),
        ("target", "varchar", "whom or what it gives access to"),
        _OUTCOME,
        ("event_id", "varchar", ""),
        ("detail", "varchar", "the policy, key or error"),
        ("aws_region", "varchar", ""),
        ("source_ip_address", "varchar", ""),
    ),
    "scoping/reach": _columns(
        ("kind", "varchar", "`account`, `region`, `service`, `bucket`"),
        ("name", "varchar", "what was touched"),
        ("access_keys", "bigint", "reached credentials that touched it"),
        ("first_time", "timestamp", "in the window"),
        ("last_time", "timestamp", "in the window"),
        ("event_count", "bigint", "in the window"),
        ("denied_count", "bigint", "of these, refused"),
        ("baseline_event_count", "bigint", "by the same credentials in the baseline"),
    ),
    "key_activity/sessions": _columns(
        ("session_id", "varchar", "stable for the same key, address, agent and start"),
        ("operator_id", "varchar", "sessions that one hand seems to drive"),
        ("access_key_id", "varchar", ""),
        ("source_ip_address", "varchar", ""),
        ("user_agent", "varchar", ""),
        ("start_time", "timestamp", "first event"),
        ("end_time", "timestamp", "last event"),
        ("event_count", "bigint", ""),
        ("error_count", "bigint", ""),
        ("bytes_sent", "bigint", "as data events say; null where none does"),
        ("novelty", "double", "0 to 1: the share of what is known of the session that the baseline does not hold"),
        ("verdict", "varchar", "`familiar`, `new`, `unclear`"),
        ("reasons", "varchar[]", "why, in words with their numbers"),
        ("label", "varchar", "the analyst's: `owner`, `intruder`, `unknown`; else null"),
    ),
    "key_activity/events": _columns(
        ("event_time", "timestamp", ""),
        ("event_id", "varchar", ""),
        ("access_key_id", "varchar", ""),
        ("event_source", "varchar", ""),
        ("event_name", "varchar", ""),
        ("aws_region", "varchar", ""),
        ("source_ip_address", "varchar", ""),
        ("user_agent", "varchar", ""),
        ("error_code", "varchar", "null when the call succeeded"),
        ("bucket", "varchar", ""),
        ("key", "varchar", ""),
        ("session_id", "varchar", ""),
        ("source_file", "varchar", "where the record lies"),
        ("record_number", "integer", "its place there"),
    ),
    "key_activity/first_seen": _columns(
        ("access_key_id", "varchar", ""),
        ("kind", "varchar", "`source_ip_address`, `user_agent`, `event_name`, `aws_region`, `bucket`"),
        ("value", "varchar", "used in the window and never in the baseline"),
        ("first_time", "timestamp", "in the window"),
        ("last_time", "timestamp", "in the window"),
        ("event_count", "bigint", "in the window"),
        ("error_count", "bigint", "of these, failed"),
    ),
    "key_activity/probing": _columns(
        ("access_key_id", "varchar", ""),
        ("event_source", "varchar", ""),
        ("event_name", "varchar", ""),
        ("bucket", "varchar", "null for calls that name no bucket"),
        ("error_code", "varchar", ""),
        ("source_ip_address", "varchar", ""),
        ("attempts", "bigint", "that failed"),
        ("first_time", "timestamp", ""),
        ("last_time", "timestamp", ""),
        ("kind", "varchar", "`refused` or `missing_bucket`"),
    ),
}  # fmt: skip
