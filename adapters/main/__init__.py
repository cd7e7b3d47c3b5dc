"""The composition root: the only place that knows the kernel and the adapters, and introduces them."""
