"""Typed evidence to answers: one module per playbook, its SQL beside it in a folder of the same name."""
