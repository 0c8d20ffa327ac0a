"""The gate of a team: budgets for what reports say, and a ratchet against an older run."""
