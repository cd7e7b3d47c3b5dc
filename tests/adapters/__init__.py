"""The small adapters, each by itself."""
