"""What an answer costs, and how that is known."""
