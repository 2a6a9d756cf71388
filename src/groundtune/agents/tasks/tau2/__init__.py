"""The public tau2 tasks, telecom and retail, as environments.

Tools, checks and rules behave as those of tau2-bench (https://github.com/sierra-research/tau2-bench, MIT, copyright
2025 Sierra Research), of which nothing is copied: its policies, databases and tasks are read from a folder.
"""
