"""What is on the slides of a presentation: shapes, where they stand, their lists, tables and drawings.

Elements and attributes are those of PresentationML (ECMA-376-1, 19). Knows nothing of zip files, which `_ooxml` reads.
"""
