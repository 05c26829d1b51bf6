"""From a network to a firmware: memory plan, C, build."""
