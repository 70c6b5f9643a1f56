"""The HTTP binding (GS CIM 009, 6): a module per resource, a function per operation."""
