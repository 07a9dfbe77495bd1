"""What a notebook calls to show an answer: the table first, then the picture of the same frame."""

from ir_kit.display.case_tables import findings as findings
from ir_kit.display.case_tables import incident as incident
from ir_kit.display.case_tables import next_steps as next_steps
from ir_kit.display.case_tables import snippets as snippets
from ir_kit.display.hourly_charts import activity as activity
from ir_kit.display.hourly_charts import bytes_by_hour as bytes_by_hour
from ir_kit.display.lineage_chart import lineage as lineage
from ir_kit.display.matrices import coverage as coverage
from ir_kit.display.matrices import exposure_matrix as exposure_matrix
from ir_kit.display.object_charts import bounds as bounds
from ir_kit.display.object_charts import prefixes as prefixes
from ir_kit.display.tables import facts as facts
from ir_kit.display.tables import table as table
from ir_kit.display.timelines import exposure_timeline as exposure_timeline
from ir_kit.display.timelines import sessions as sessions
from ir_kit.display.timelines import timeline as timeline
from ir_kit.display.timelines import visibility as visibility
from ir_kit.display.workbench.launch import workbench as workbench
