"""The pages by which recipients leave, and the one-click request of their mail programs."""
