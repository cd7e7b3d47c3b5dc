"""What a stranger does: scaffolds a payment method, follows the tutorial, installs a distribution of his own."""
