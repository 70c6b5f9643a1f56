"""Privacy by construction: what names persons is counted before it is stored, and small counts never leave."""
