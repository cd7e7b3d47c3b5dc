"""Cards at Stripe. Nothing here is imported before a configuration says `driver = "stripe"`."""
