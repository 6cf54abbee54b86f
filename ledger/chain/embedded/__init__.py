"""A chain in this process: py-evm made durable on SQLite, answering the same JSON-RPC as any node."""
