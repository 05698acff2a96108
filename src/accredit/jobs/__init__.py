"""What a node does by itself, again and again: one file each, `run(now)` answers when to come back."""
