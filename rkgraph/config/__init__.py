"""What users write down once: `[tool.rkgraph]` of pyproject.toml or rkgraph.toml, suppressions and baselines."""
