"""The language: GS CIM 009 as pure functions on plain dicts and frozen dataclasses. No I/O, no clock."""
