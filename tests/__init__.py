"""Tests of Kassa. They import each other as `tests.x`."""
