"""The ground: the embedded servers, one command that starts everything, the console script."""
