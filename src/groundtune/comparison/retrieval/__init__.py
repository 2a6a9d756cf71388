"""Fitting the retrieval pipeline to a project: which ones there are, how they are measured, and which one is chosen."""
