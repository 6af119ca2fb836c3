"""One concern around a call, one file each, whose name is its public name.

A policy may refuse, answer, change the call, wrap the reply or proceed again. Nothing else.
"""
