"""The Publisher over HTTP: WSO2's paths and field names, the same operations as the pages."""
