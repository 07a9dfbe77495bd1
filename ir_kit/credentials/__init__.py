"""Which credentials are compromised, how each was derived, and when each was valid."""
