"""The sandbox payment provider: its own process with its own journal, to test shops against. See README.md."""
