"""The analyst's workbench: a result table to choose from, look behind and label, where JupyterLab is open; else its static table.

What is chosen here decides nothing: tables and findings are the same with it and without it, and the line that it
gives for the parameters cell makes a choice reproducible. Labels alone leave it, as lines of ``labels.csv``.
Widgets are imported only where there is somebody to use them.
"""
