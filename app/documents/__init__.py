from beanie import Document

from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.idempotency_keys import IdempotencyKey

ALL_DOCUMENTS: list[type[Document]] = [Communication, Delivery, IdempotencyKey]
