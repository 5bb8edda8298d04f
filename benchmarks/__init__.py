"""Measurements that the documents quote; each prints its own table. Not installed, not part of the default tests."""
