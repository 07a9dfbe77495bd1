"""Settings over time, and the bucket inventory: owner, Region, names."""
