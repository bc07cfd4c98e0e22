"""The OAuth 2 server, on top of the toolkit: which grants there are, what is stored, who may introspect."""
