"""What happened: runs with their answers and scores."""
