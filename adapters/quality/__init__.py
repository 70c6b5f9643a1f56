"""The quality gate: what a reading must look like to be believed, and how often each station's readings did."""
