"""How recipients leave: what mail offers them for it, and what happens when they take it."""
