"""Tests of the worlds that run inside a laboratory; test_worlds_inside.py starts them."""
