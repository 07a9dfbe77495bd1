"""What a notebook calls to show an answer: the table first, then the picture of the same frame."""

from ir_kit.display.activity_charts import activity, sessions, timeline
from ir_kit.display.case_tables import findings, incident, next_steps, snippets
from ir_kit.display.coverage_calendar import coverage
from ir_kit.display.exposure_charts import exposure_matrix, exposure_timeline
from ir_kit.display.lineage_chart import lineage
from ir_kit.display.object_charts import bounds, bytes_by_hour, prefixes
from ir_kit.display.tables import facts, table
from ir_kit.display.visibility_chart import visibility
from ir_kit.display.workbench.launch import workbench

__all__ = [
    "activity",
    "bounds",
    "bytes_by_hour",
    "coverage",
    "exposure_matrix",
    "exposure_timeline",
    "facts",
    "findings",
    "incident",
    "lineage",
    "next_steps",
    "prefixes",
    "sessions",
    "snippets",
    "table",
    "timeline",
    "visibility",
    "workbench",
]
