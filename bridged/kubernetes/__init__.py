"""The files for Kubernetes, as text and as values.  Pure."""
