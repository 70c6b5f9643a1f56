"""Low-power wide-area radio: one device table, the layouts of payloads, and the entities they become."""
