"""The derived tables: followed from the chain's logs, asked by everything that reads."""
