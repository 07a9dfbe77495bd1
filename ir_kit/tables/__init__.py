"""The result tables of the playbooks, column by column: what a run leaves in ``tables/PLAYBOOK/TABLE.parquet``.

The contract names the columns that are always there; the others are the kit's own. The data dictionary is generated from here.
"""

from ir_kit.tables import bucket_exposure, evidence, key_activity, logging_gaps, object_access, scoping
from ir_kit.tables.column import ResultColumn

TABLES: dict[str, tuple[ResultColumn, ...]] = {
    **evidence.TABLES,
    **scoping.TABLES,
    **key_activity.TABLES,
    **object_access.TABLES,
    **bucket_exposure.TABLES,
    **logging_gaps.TABLES,
}

__all__ = ["TABLES", "ResultColumn"]
