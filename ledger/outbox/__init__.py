"""Commands on their way to the chain: accepted as intent, sealed into numbered batches, sent."""
