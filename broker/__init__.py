"""Memory and mouth: routes, use cases, SQL, the log of changes. Knows no city entity type."""
