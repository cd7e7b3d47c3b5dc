"""What the contract itself does, beside its types."""
