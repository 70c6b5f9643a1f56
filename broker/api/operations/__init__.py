"""The table of operations: each row routes, validates and describes one.

To add an operation, write its function (`async def name(request) -> Response`, the first line of its docstring is the
summary) and a row in the module of its subject. The query parameters are checked against the row before the function
is called (`http.parameters(request)` gives them); a new parameter needs a row in `parameters`. The media type of the
answer is negotiated from `offers` (`http.accepts(request)` gives it).
"""

from typing import Final

from broker.api.operation import Operation
from broker.api.operations.admin import ABOUT_ROWS, ADMIN_ROWS, POLICIES_ROWS
from broker.api.operations.discovery import CONTEXTS_ROWS, DISCOVERY_ROWS
from broker.api.operations.entities import BATCHES_ROWS, ENTITIES_ROWS
from broker.api.operations.history import HISTORY_ROWS
from broker.api.operations.subscriptions import STREAM_ROWS, SUBSCRIPTIONS_ROWS

OPERATIONS: Final[tuple[Operation, ...]] = (
    *ENTITIES_ROWS,
    *BATCHES_ROWS,
    *HISTORY_ROWS,
    *SUBSCRIPTIONS_ROWS,
    *STREAM_ROWS,
    *DISCOVERY_ROWS,
    *CONTEXTS_ROWS,
    *ADMIN_ROWS,
    *POLICIES_ROWS,
    *ABOUT_ROWS,
)
