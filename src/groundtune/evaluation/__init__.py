"""Cases, scorers, runs and the statistics over them."""
