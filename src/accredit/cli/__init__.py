"""The command line: nouns, then verbs. A client of the management API over the Unix socket of the data folder."""
