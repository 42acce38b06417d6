"""Pictures of a report: the topology as records, text, DOT and SVG, and the page."""
