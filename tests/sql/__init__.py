"""Tests of the tables, the migrations, the invariant views and the embedded store."""
