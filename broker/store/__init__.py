"""The only place that knows SQL. Fixed statements stand in named .sql files, composed ones in `compile`."""
