"""The narrated walk-through that `make demo` runs."""
