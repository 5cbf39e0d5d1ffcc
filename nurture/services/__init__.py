"""Use cases: load frozen values, let the domain decide, apply the effects in one transaction."""
