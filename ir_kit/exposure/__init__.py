"""Who could get at the buckets from outside, by configuration: each grant, what stops it, and what that comes to.

`block_public_access`, then each source of grants (`policy_grants`, `acls`, `access_points`, `outflows`), `verdicts`
over all of them, `permissions` of compromised credentials; and what changed it (`changes`, `spans`).
"""
