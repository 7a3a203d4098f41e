"""Offline meta-training: learns an initialization from many small tasks."""
