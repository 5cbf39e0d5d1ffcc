"""What a lead's behaviour and attributes are worth."""
