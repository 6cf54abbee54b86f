"""What the office does with the ledger: import, link, assess, audit, read. Parts come in, none is made."""
