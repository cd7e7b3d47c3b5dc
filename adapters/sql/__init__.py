"""What `postgres` and `sqlite` share: the tables, the migrations, the invariant view."""
