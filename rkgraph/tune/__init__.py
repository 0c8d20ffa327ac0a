"""Fixes and options that may or may not pay, compiled and compared by the compiler's own layer table."""
