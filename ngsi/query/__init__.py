"""Questions: each parameter of a query parsed once into an immutable object (GS CIM 009, 4.9 to 4.11, 4.17, 5.7)."""
