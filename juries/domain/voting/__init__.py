"""Rules that choose among responses: a profile of ballots in, an outcome with its reasons out."""
