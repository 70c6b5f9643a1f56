"""@contexts: hosted, fetched, compiled (GS CIM 009, 5.5.5 to 5.5.7, 5.13, 6.3.5)."""

from broker.contexts.compiled import Contexts as Contexts
from broker.contexts.compiled import is_compound as is_compound
from broker.contexts.compiled import served as served
