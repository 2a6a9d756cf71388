"""What the HTML reader is made of: the tree of a page, what of it is no content, its tables, formulas and text."""
