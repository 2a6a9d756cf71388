"""What Word documents, presentations and workbooks share: DrawingML, equations, tables, properties.

Each element is as `_ooxml` reads it. Knows neither Word's nor PowerPoint's own elements where it can be helped.
"""
