"""The gateway over HTTP, beside the Publisher's and the Developer Portal's addresses."""
