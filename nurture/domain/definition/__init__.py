"""What marketers design, as values: campaigns with their steps, streams, the organisation."""
