"""What a call is charged with, by each of the rules that it falls under."""
