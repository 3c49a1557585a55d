"""What the suite must do, as sentences."""
