"""Playbook 02_key_activity: what was done with the keys, and by whom?"""
