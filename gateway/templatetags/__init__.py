"""What pages of other rooms say of the gateway."""
