"""From evidence to op tables: the fewest limits that explain what was measured."""
