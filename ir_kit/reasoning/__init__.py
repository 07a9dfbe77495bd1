"""Python where sets do not serve: what questions need beyond SQL. Each package is one line of reasoning, and none knows the playbooks."""
