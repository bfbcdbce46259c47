"""Backbones G with their classifier CH (section 3, figure 2)."""
