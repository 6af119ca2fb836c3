"""Answers that are kept: under which key, and in which form."""
