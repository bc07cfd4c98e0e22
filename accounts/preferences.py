"""What a browser remembers about its user's taste: light, dark, or as the system says."""

COOKIE = "__Host-apim-theme"
THEMES = ("light", "dark")
