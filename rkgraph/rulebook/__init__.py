"""The rule model: cards, rule sets, the registry, and what rules see and say."""
