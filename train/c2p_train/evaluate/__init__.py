"""How well a checkpoint names clouds."""
