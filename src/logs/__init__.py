"""What is kept of every request, for how long, and the charts that are made of it."""
