"""The benchmark anyone can run: the gateway beside other proxies on the same work and the same cores."""
