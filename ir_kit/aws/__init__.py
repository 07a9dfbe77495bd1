"""AWS, read-only: the one list of operations, the guard that holds every client to it, clients, faults, objects of S3."""
