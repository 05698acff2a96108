"""The history of the schema, oldest first. A migration is never changed once it has been released."""
