"""Use cases: load the facts, ask the core, commit with the audit record, answer. One file per noun."""
