"""Who is told of changes: the index of subscriptions, the dispatcher, delivery."""
