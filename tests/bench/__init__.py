"""Measurements of a running broker; ratios and medians, never part of the tests."""
