"""The outside world of the demo: recorded samples, sent the way real gateways send them."""
