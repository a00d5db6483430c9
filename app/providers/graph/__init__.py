"""A mailbox at Microsoft 365, over Microsoft Graph (learn.microsoft.com/graph/api)."""

from app.providers.graph.client import GraphAccount
from app.providers.graph.faults import MissingError
from app.providers.graph.inbox import GraphInbox, ResyncError
from app.providers.graph.provider import GraphProvider
from app.providers.graph.subscriptions import LIFE, GraphSubscriptions

__all__ = [
    "LIFE",
    "GraphAccount",
    "GraphInbox",
    "GraphProvider",
    "GraphSubscriptions",
    "MissingError",
    "ResyncError",
]
