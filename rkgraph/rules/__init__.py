"""The rules: one file each, found by the registry. A rule never imports another."""
