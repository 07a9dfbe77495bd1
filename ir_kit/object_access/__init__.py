"""Playbook 03_object_access: which objects were downloaded, copied out, changed or destroyed?"""
