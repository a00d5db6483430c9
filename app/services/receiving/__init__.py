"""How mail comes in: one module for each door."""
