"""`python -m gateway.native.fuzz`: bytes of nobody's choosing for what the extension reads of strangers."""
