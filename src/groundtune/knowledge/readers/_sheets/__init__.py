"""Workbooks: how files are read (`xlsx_*`, `ods`, `xls`), how cells look, where tables stand, how they are written.

`pages` is what the formats have in common; `blocks`, `heads` and `writing` know no format.
"""
