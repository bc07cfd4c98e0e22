"""The pages of the Publisher: one resource a module, one domain call a view."""
