"""What training data must be like before anything is trained on it: gates, each one file beside this one."""
