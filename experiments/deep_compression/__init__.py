"""Deep compression for Cortex-M: prune, quantise, deploy, measure (arXiv 2205.10369), with what goes past the paper.

``python -m experiments.deep_compression sweep --out results.csv``; docs/guides/deep_compression.md.
"""
