"""One file per step; each says what it expands or contracts."""
