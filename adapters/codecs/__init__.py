"""Shared formats: text and CSV dialects, Japanese time, numbers, GBFS, device tables."""
