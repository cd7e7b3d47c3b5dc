"""The independent simulator (python-getpaid-simulator with python-getpaid-payu) as a provider: `python simulator.py PORT`.

Runs in an environment and a Python of its own and knows nothing of Kassa. The simulator is started as it is; added to it are
windows into its own storage, because it has none: the list of an order's refunds (PayU has one, the simulator has not), the
books for the kit, and what it would have sent as notices, instead of sending it.
"""

import argparse
import json
from typing import Any


class Outbox:
    """In place of the simulator's transport: keeps what it made and signed."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def deliver(self, *, url: str, body: bytes, headers: Any) -> bool:
        self.sent.append({"url": url, "body": body.decode(), "headers": dict(headers)})
        return True


def application() -> Any:
    from getpaid_simulator.app import create_app
    from litestar import get, post

    app = create_app()
    outbox = app.state.webhook_transport = Outbox()

    @get("/payu/api/v2_1/orders/{order_id:str}/refunds")
    async def refunds(order_id: str) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = app.state.storage.get_refunds(order_id)
        return [{**one, "refundId": one["id"]} for one in made]

    @get("/books")
    async def books() -> dict[str, Any]:
        orders = app.state.storage.list_orders()
        shown = [{**one, "refunds": app.state.storage.get_refunds(one["id"])} for one in orders]
        return {"orders": shown, "notices": outbox.sent}

    @post("/forget", status_code=204)
    async def forget() -> None:
        app.state.storage._orders.clear()
        app.state.storage._refunds.clear()
        outbox.sent.clear()

    for handler in (refunds, books, forget):
        app.register(handler)
    return app


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    print(json.dumps({"port": port}), flush=True)
    uvicorn.run(application(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
