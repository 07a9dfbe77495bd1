"""What did leaked AWS access keys do in S3, what was downloaded, and what can nobody know any more.

In reading order; imports run upwards in this list::

    errors, incident      what is asked, and what can be wrong with it
    domain/               primitives that all share: intervals, principals, three-valued logic, JSON
    ingest/               raw logs to typed rows
    engine, tables, case  an open incident: where its SQL runs, its result tables; `case_opening` loads what is new
    findings              the finding, the rules of its status and severity, the builder
    configuration/        settings over time, the bucket inventory
    policies/  credentials/  coverage/  attribution/  sessions/  exposure/
                          one line of analysis each, used by several playbooks
    evidence/  scoping/  key_activity/  object_access/  bucket_exposure/  logging_gaps/
                          a room for each playbook: its SQL, questions, tables, findings
    display/              tables, charts and widgets of the notebooks
    record/               the headless run, its sealed record, its verification
    aws/, collect/        read-only clients; evidence fetched from AWS
    sample/               the demo's evidence, as files
    cli                   the command line
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
