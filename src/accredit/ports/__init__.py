"""What the services need of the outside, as protocols: one file per noun. Implemented by `store` and `system`."""
