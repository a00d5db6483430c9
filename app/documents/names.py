"""Names that people give: `welcome` and `Welcome` are one, and both stand under w."""

from pymongo.collation import Collation, CollationStrength

NAMES = Collation("en", strength=CollationStrength.SECONDARY)
