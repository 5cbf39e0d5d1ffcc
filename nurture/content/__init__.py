"""Files, compiling and rendering; no network."""
