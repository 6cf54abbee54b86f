"""Where data rests: the vault (primary, backed up) and the index (derived, disposable), kept apart."""
