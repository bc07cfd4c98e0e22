"""An upgrade request: its head judged and answered (`head`), its meaning read (`request`), its `extensions`. Pure."""
