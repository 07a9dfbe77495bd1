"""What to switch on, how, and at what price."""
