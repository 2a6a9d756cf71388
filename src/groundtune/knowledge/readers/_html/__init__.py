"""What the HTML reader is made of: the tree of a page, what of it is not content, its tables, its formulas, its text."""
