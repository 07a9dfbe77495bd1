"""What policies allow, in three values: `conditions`, `policy_documents`, `decisions`, `public_access`, in this order."""
