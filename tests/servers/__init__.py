"""Real PostgreSQL and Redis, found on the machine and started for a test run."""
