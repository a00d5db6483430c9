class EmbeddedServerError(Exception):
    """A server cannot be found or started; the first line says what to do about it."""
