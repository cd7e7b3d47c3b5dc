"""The three payment methods against the sandbox provider, a process of its own."""
