"""What the network needs: addresses, rates, safe requests."""
