"""The bench: what `scripts/bench` measures. Each module gives figures, each with its baseline of the same run."""
