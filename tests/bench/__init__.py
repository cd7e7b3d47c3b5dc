"""What a purchase costs: `python -m tests.bench`, explained in docs/benchmark.md."""
