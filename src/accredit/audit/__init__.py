"""What happened, as a closed set of events, and the hash chain that makes a later change visible. Pure."""
