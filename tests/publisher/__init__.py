"""Tests of the Publisher."""
