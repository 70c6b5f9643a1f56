"""The log of changes as its readers see it."""
