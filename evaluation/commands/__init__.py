"""What python -m evaluation does: a file a command."""
