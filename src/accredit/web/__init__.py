"""HTTP: one file per endpoint. Checks shapes, calls a service, renders the answer; decides nothing."""
