"""From a set of playbooks to a record that a hostile reader can check."""
