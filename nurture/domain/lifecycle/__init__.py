"""The two ladders: who the lead is to us, and where it stands in its buying journey."""
