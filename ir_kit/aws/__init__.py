"""AWS, read-only: which operations may be called, the guard that holds every client to them, and the clients.

`operations` is the one list; `guard` refuses what it lacks before a byte leaves; `clients` makes clients that have
the guard; `faults` says in a line what went wrong and what to do, without a secret in it.
"""
