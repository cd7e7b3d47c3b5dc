"""Bank files as the bank transfer plugin reads and writes them."""
