from collections.abc import Awaitable, Callable

from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.mail.engagement.hits import EngagementKind

Store = Callable[..., Awaitable[Communication]]
Make = Callable[..., Engagement]


async def test_those_of_one_mail_are_removed(store_communication: Store, hit: Make) -> None:
    gone, kept = [await store_communication() for _ in range(2)]
    hits = [hit(record, kind=kind) for record in (gone, kept) for kind in EngagementKind]
    await Engagement.get_motor_collection().insert_many([one.stored() for one in hits])

    await Engagement.remove_all(gone.id)

    left = await Engagement.find_all().to_list()
    assert {one.communication_id for one in left} == {kept.id}
    assert len(left) == len(EngagementKind)
