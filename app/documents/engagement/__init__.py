"""Opens and clicks: each kept as it came, and counted on the record whose mail it was."""
