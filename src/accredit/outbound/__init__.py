"""The way out of the house: asking the servers of strangers, without being led where no stranger may."""
