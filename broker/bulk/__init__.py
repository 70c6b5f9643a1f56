"""Observations in bulk: files in, files out."""
