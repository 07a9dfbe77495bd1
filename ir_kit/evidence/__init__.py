"""Playbook 00_evidence: which evidence is there, and is it whole?"""
