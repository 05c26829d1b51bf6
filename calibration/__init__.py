"""Calibration: published and own measurements, and the tables of cores and boards held against them."""
