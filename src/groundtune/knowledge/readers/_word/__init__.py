"""What is in a Word document: styles, numbers, the text of paragraphs, tables, drawings and equations.

Knows nothing of zip files and relationships, which `_ooxml` reads.
"""
