"""A mailbox at Microsoft 365, over Microsoft Graph (learn.microsoft.com/graph/api)."""

from app.providers.graph.client import GraphAccount
from app.providers.graph.provider import GraphProvider

__all__ = ["GraphAccount", "GraphProvider"]
