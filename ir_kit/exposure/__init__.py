"""Who could get at the buckets from outside, by configuration: each grant and what stops it (`grants`, `policy_grants`),
what that comes to and what changed it (`bucket_verdicts`); what compromised credentials could do (`permissions`)."""
