"""From a request to the call that it asks for."""
