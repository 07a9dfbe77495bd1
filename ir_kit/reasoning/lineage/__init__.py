"""Which credentials were reached from the incident keys, and on what each link rests."""
