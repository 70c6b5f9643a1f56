"""What can go wrong under the broker, said so that a person knows what to do next."""


class GroundError(Exception):
    """The machine lacks something; the message names it and what to do. Shown without a traceback."""
