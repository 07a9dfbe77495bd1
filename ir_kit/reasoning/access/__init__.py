"""Requests that two logs saw, the keys behind them, and bounds on what left."""
