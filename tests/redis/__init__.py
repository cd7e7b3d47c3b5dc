"""What Redis may lose, against a real one."""
