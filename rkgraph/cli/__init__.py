"""Commands: one file each, parsing and printing only."""
