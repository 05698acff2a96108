"""The nouns of Accredit and the rules between them, as frozen values: no I/O, no clock, no framework."""
