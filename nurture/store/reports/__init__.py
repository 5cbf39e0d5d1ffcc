"""What the pages show: reads that return frozen rows and change nothing."""
