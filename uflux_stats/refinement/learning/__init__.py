"""Learners behind one interface: all trees become boosters, whatever library grew them."""
