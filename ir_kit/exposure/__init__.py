"""Who could get at the buckets from outside, by configuration: each grant, what stops it, and what that comes to.

`grants`, then each source of them (`policy_grants`, `setting_grants`), `bucket_verdicts` over all of them, `permissions`
of compromised credentials; and what changed it (`changes`).
"""
