"""What a node says about itself while it works: metrics and log lines."""
