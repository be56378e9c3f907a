"""The drawings of the docs: the worked example, metric by metric, and the architecture."""
