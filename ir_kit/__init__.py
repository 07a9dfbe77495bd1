"""What did leaked AWS access keys do in S3, what left, and what can nobody know any more.

In reading order::

    errors, incident      what is asked, and what can be wrong with it
    evidence/             raw logs to typed rows
    engines/              where the SQL runs
    tables, case          an open incident; its questions and its tables
    reasoning/            what questions need where sets do not serve
    questions/            typed rows to answers, one module and one folder of SQL per playbook
    findings/             answers to findings, each with its status and its limits
    display/              tables, charts and widgets of the notebooks
    records/              the headless run, its sealed record, its verification
    aws/, collect/        read-only clients; evidence fetched from AWS
    sample/               the demo's evidence, as files
    cli                   the command line
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
