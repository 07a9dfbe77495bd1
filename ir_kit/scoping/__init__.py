"""Playbook 01_scoping: whose keys are these, and which access was gained?"""
