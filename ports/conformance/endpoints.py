"""The contract of `kassa.ports.endpoints.Endpoints`."""

import asyncio

import pytest
from msgspec.structs import replace

from kassa.ports.audit import AuditEntry
from kassa.ports.endpoints import Endpoint, EndpointChange, EndpointDraft, NewEndpoint, SecretSeed
from kassa.ports.errors import Conflict, EndpointsFull, UnknownEndpoint

from .sample_endpoints import URL, an_endpoint, creating, seed
from .samples import after, entry
from .stores import Stores


class EndpointsContract:
    """Every clause of `Endpoints`. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    def audit(self, action: str = "endpoint.changed", *, seconds: float = 1) -> AuditEntry:
        """Of an act `seconds` after the beginning."""
        return entry(action, "endpoint:ep_1", at=after(seconds))

    async def audited(self, stores: Stores) -> list[str]:
        """The actions that were written down."""
        return [r.entry.action for r in await stores.audit.entries(subject=None, actor=None, after=0, limit=100)]

    async def change(self, stores: Stores, change: EndpointChange, *, expected: int | None = None) -> Endpoint:
        """Change the endpoint `ep_1`."""
        return await stores.endpoints.change("ep_1", change, expected_version=expected, audit=self.audit())

    async def test_an_endpoint_is_as_it_was_drafted_enabled_and_audited(self, stores: Stores) -> None:
        draft = EndpointDraft(url=URL, events=("order.paid", "payment.*"), description="Books")
        made = await stores.endpoints.create(replace(creating(), draft=draft))
        assert made == Endpoint(
            id="ep_1",
            url=URL,
            events=("order.paid", "payment.*"),
            description="Books",
            is_enabled=True,
            disabled=None,
            failing_since=None,
            old_secret_until=None,
            created_at=after(0),
            version=1,
        )
        assert await stores.endpoints.endpoint("ep_1") == made
        assert await self.audited(stores) == ["endpoint.created"]

    async def test_all_are_told_oldest_first(self, stores: Stores) -> None:
        made = [await an_endpoint(stores, name, seconds=n) for n, name in enumerate(("ep_2", "ep_1", "ep_3"))]
        assert await stores.endpoints.endpoints() == tuple(made)

    async def test_there_are_never_more_than_the_most_even_when_made_at_once(self, stores: Stores) -> None:
        acts = [replace(creating(f"ep_{n}"), most=2) for n in range(6)]
        done = await asyncio.gather(*map(stores.endpoints.create, acts), return_exceptions=True)
        assert sum(isinstance(one, Endpoint) for one in done) == 2
        assert sum(isinstance(one, EndpointsFull) for one in done) == 4
        assert len(await stores.endpoints.endpoints()) == len(await self.audited(stores)) == 2

    async def test_a_removed_endpoint_makes_room(self, stores: Stores) -> None:
        act: NewEndpoint = replace(creating(), most=1)
        await stores.endpoints.create(act)
        await stores.endpoints.remove("ep_1", self.audit("endpoint.removed"))
        await stores.endpoints.create(replace(act, id="ep_2"))

    async def test_a_change_changes_what_is_set_and_raises_the_version(self, stores: Stores) -> None:
        made = await an_endpoint(stores)
        changed = await self.change(stores, EndpointChange(url=URL + "/new", events=("*",)), expected=1)
        assert changed == replace(made, url=URL + "/new", events=("*",), version=2)
        named = await self.change(stores, EndpointChange(description="Books"))
        assert named == replace(changed, description="Books", version=3)
        assert await stores.endpoints.endpoint("ep_1") == named
        assert await self.audited(stores) == ["endpoint.created", "endpoint.changed", "endpoint.changed"]

    async def test_a_change_decided_on_another_version_changes_nothing(self, stores: Stores) -> None:
        made = await an_endpoint(stores)
        with pytest.raises(Conflict):
            await self.change(stores, EndpointChange(url=URL + "/new"), expected=2)
        assert await stores.endpoints.endpoint("ep_1") == made
        assert await self.audited(stores) == ["endpoint.created"]

    async def test_an_operator_disables_and_enables(self, stores: Stores) -> None:
        await an_endpoint(stores)
        off = await self.change(stores, EndpointChange(is_enabled=False))
        assert (off.is_enabled, off.disabled) == (False, "operator")
        on = await self.change(stores, EndpointChange(is_enabled=True))
        assert (on.is_enabled, on.disabled) == (True, None)

    async def test_a_rotation_keeps_the_old_secret_for_its_time(self, stores: Stores) -> None:
        made = await an_endpoint(stores)
        audit = self.audit("endpoint.secret_rotated")
        rotated = await stores.endpoints.rotate("ep_1", seed("b"), old_until=after(60), audit=audit)
        assert rotated == replace(made, old_secret_until=after(60), version=2)
        assert await stores.endpoints.endpoint("ep_1") == rotated
        assert await self.audited(stores) == ["endpoint.created", "endpoint.secret_rotated"]

    async def test_a_removed_endpoint_is_unknown(self, stores: Stores) -> None:
        await an_endpoint(stores)
        await stores.endpoints.remove("ep_1", self.audit("endpoint.removed"))
        assert await self.audited(stores) == ["endpoint.created", "endpoint.removed"]
        assert await stores.endpoints.endpoints() == ()
        await self.refuse_everything(stores, "ep_1")

    async def test_what_never_was_is_unknown(self, stores: Stores) -> None:
        await self.refuse_everything(stores, "ep_0")

    async def refuse_everything(self, stores: Stores, endpoint_id: str) -> None:
        """Every method raises `UnknownEndpoint` and writes nothing."""
        before = await self.audited(stores)
        with pytest.raises(UnknownEndpoint):
            await stores.endpoints.endpoint(endpoint_id)
        with pytest.raises(UnknownEndpoint):
            await stores.endpoints.change(endpoint_id, EndpointChange(), expected_version=None, audit=self.audit())
        new: SecretSeed = seed("b")
        with pytest.raises(UnknownEndpoint):
            await stores.endpoints.rotate(endpoint_id, new, old_until=after(60), audit=self.audit())
        with pytest.raises(UnknownEndpoint):
            await stores.endpoints.remove(endpoint_id, self.audit())
        assert await self.audited(stores) == before
