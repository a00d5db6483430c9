"""Opens and clicks as they come in, and who they come from: people, or machines on their behalf."""
