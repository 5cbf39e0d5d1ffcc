"""How a database of an older Nurture becomes one of this Nurture."""
