"""Pasar, played over plain HTTP/1.1 in a thread of its own: no ASGI, no framework. `python -m pasar_qr.double PORT`.

PUT, GET, DELETE /stalls/<stall>/orders/<reference>    the shop's side, signed
POST /scan/<code>                                      the customer's side: paid
"""

import hashlib
import hmac
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode

Order = dict[str, str]


class Books:
    """All orders of one stall, by the shop's reference."""

    def __init__(self, stall: str, key: str) -> None:
        self.stall, self.key = stall, key
        self.orders: dict[str, Order] = {}
        self.lock = threading.Lock()
        self.decline_next = False

    def put(self, ref: str, rupiah: str) -> Order:
        """A new order, or the one that has this reference."""
        if ref not in self.orders:
            number = len(self.orders) + 1
            order = {"order": f"P{number}", "reference": ref, "status": "unpaid", "rupiah": rupiah}
            self.orders[ref] = order | {"code": f"PASAR*{number}", "paid": ""}
            if self.decline_next:
                self.orders[ref]["status"] = "declined"
        return self.orders[ref]

    def pay(self, order: Order) -> None:
        """The app sends the money; also for a code that ran out a moment ago."""
        if order["status"] in ("unpaid", "expired"):
            order["status"], order["paid"] = "paid", f"M{order['order']}"

    def answer(self, verb: str, path: str, body: bytes, signature: str) -> tuple[int, Order]:
        """One request of a shop or of a customer."""
        if verb == "POST" and path.startswith("/scan/"):
            for order in self.orders.values():
                if order["code"] == unquote(path.removeprefix("/scan/")):
                    self.pay(order)
                    return 200, order
            return 404, {"refused": "unknown"}
        mac = hmac.new(self.key.encode(), f"{verb} {path}\n".encode() + body, hashlib.sha512).hexdigest()
        place = f"/stalls/{self.stall}/orders/"
        if not (hmac.compare_digest(mac, signature) and path.startswith(place)):
            return 403, {"refused": "signature"}
        ref = unquote(path.removeprefix(place))
        if verb == "PUT":
            return 200, self.put(ref, parse_qs(body.decode())["rupiah"][0])
        if ref not in self.orders:
            return 404, {"refused": "unknown"}
        if verb == "DELETE" and self.orders[ref]["status"] not in ("unpaid", "canceled"):
            return 422, {"refused": "too_late"}
        if verb == "DELETE":
            self.orders[ref]["status"] = "canceled"
        return 200, self.orders[ref]


def served(books: Books, port: int = 0) -> ThreadingHTTPServer:
    """The books behind a port of loopback, in a thread of their own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with books.lock:
                status, told = books.answer(self.command, self.path, body, self.headers.get("pasar-signature", ""))
                answer = urlencode(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_DELETE = do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


if __name__ == "__main__":
    running = served(Books("4711", os.environ["PASAR_KEY"]), int(sys.argv[1]))
    threading.Event().wait()
