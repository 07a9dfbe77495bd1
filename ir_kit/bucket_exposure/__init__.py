"""Playbook 04_bucket_exposure: who else could reach the buckets, and did anyone?"""
