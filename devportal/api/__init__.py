"""The Developer Portal over HTTP, and subscribers for the Publisher: WSO2's names, the pages' operations."""
