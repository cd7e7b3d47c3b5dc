"""`python -m kassa.adapters.main` is the `kassa` command."""

from kassa.adapters.main.cli import main

main()
