"""Revisions of the vault. A released one is never edited: the vault holds what exists nowhere else."""
