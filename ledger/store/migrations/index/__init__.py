"""Revisions of the index. One that only drops and creates is fine: the follower fills it again."""
