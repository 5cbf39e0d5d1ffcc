"""What tests need from the machine: programs, a database server, a browser."""
