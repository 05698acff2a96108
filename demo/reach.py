"""Two chapters about agents: one identity for two servers, and a key that takes over from a secret during calls."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from accredit_sdk import AgentAuth
from accredit_sdk.agent import load_key
from demo.agent import Agent, called
from demo.narrator import Narrator
from demo.stage import BIN, Stage, free_port

OVERLAP_SECONDS = 2


class Reach:
    """What the walk-through tells of `AgentAuth`. `cli` shows a command, runs it, and returns what it says."""

    def __init__(self, narrator: Narrator, stage: Stage, cli: Callable[..., Any], ledger: str) -> None:
        self.tell = narrator
        self.stage = stage
        self.cli = cli
        self.ledger = ledger
        self.archive = f"http://127.0.0.1:{free_port()}/mcp"

    async def both_servers(self, client_id: str, secret: str) -> None:
        """Register and guard a second server; reach both with one line, and neither with the other's token."""
        self.tell.chapter("A second server, and the same agent: one identity, one line")
        self.register()
        auth = AgentAuth(issuer=self.stage.issuer, client_id=client_id, secret=secret)
        self.tell.output("httpx2.AsyncClient(auth=AgentAuth(issuer=…, client_id=…, secret=…))")
        self.tell.allowed(f"Ledger:  list_invoices → {await called(auth, self.ledger, 'list_invoices')}")
        found = await called(auth, self.archive, "find_receipt", number="INV-1")
        self.tell.expect("bank transfer" in found, f"Archive must answer, and said {found}")
        self.tell.allowed(f"Archive: find_receipt  → {found}")
        for name, mine, other in (("Ledger", self.ledger, self.archive), ("Archive", self.archive, self.ledger)):
            token = Agent.token(self.stage.issuer, client_id, secret, mine)
            at_home, _ = await Agent(mine, token).knock()
            abroad, _ = await Agent(other, token).knock()
            self.tell.expect((at_home, abroad) == (200, 401), f"200 and 401 expected, not {at_home} and {abroad}")
            self.tell.denied(f"the token for {name} at the other server: HTTP 401")

    def register(self) -> None:
        """Make Archive known, let the agent use it, and start it behind its guard."""
        self.cli(
            *("server", "add", self.archive, "--name", "archive", "--scope", "archive:read=Read receipts"),
            *("--tool", "find_receipt=archive:read", "--read-only", "find_receipt", "--default", "archive:read"),
        )
        self.cli("role", "add", "archivist", "--scope", "archive=archive:read")
        self.cli("role", "assign", "archivist", "billing-bot")
        folder, python = str(self.stage.folder / "archive-guard"), str(BIN / "python")
        code = self.cli("guard", "enrol", "archive")["code"]
        enrol = (python, "-m", "accredit_sdk.guard", "enrol", "--issuer", self.stage.issuer, "--folder", folder)
        self.stage.program(*enrol, given=code + "\n")
        port = self.archive.split(":")[2].split("/")[0]
        arguments = ("--issuer", self.stage.issuer, "--folder", folder, "--port", port)
        self.tell.command("python", "examples/archive.py", *arguments[:2], "--folder", "archive-guard", *arguments[4:])
        log = self.stage.start("archive", python, "examples/archive.py", *arguments)
        self.stage.wait(self.archive.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"), 200, log)

    async def new_credential(self, client_id: str, secret: str, old: str) -> None:
        """Let a key take over from the secret while the agent calls both servers without a pause."""
        self.tell.chapter("The agent's secret gives way to a key; its calls go on meanwhile")
        held = {"auth": AgentAuth(issuer=self.stage.issuer, client_id=client_id, secret=secret)}
        stop, done = asyncio.Event(), 0

        async def calls() -> None:
            nonlocal done
            while not stop.is_set():
                await called(held["auth"], self.ledger, "list_invoices")
                await called(held["auth"], self.archive, "find_receipt", number="INV-2")
                done += 2

        working = asyncio.create_task(calls())
        try:
            await self.give_key(old)
            key = load_key(self.stage.folder / "billing-bot-key" / "agent-key.pem")
            held["auth"] = AgentAuth(issuer=self.stage.issuer, client_id=client_id, key=key)
            before = done
            taken = await self.until_refused(client_id, secret)
            after = done
        finally:
            stop.set()
            (trouble,) = await asyncio.gather(working, return_exceptions=True)
        self.tell.expect(trouble is None, f"no call may fail, and one did: {trouble!r}")
        self.tell.expect(before > 0 and done > after > before, f"calls must go on: {before}, {after}, {done}")
        self.tell.done(f"{done} calls in the meantime, and not one of them failed")
        self.tell.done(f"the secret ended {taken:.1f} s after that, and gets no token any more")

    async def give_key(self, old: str) -> None:
        """Make a key, register its public half, and put a deadline on the old credential."""
        folder = self.stage.folder / "billing-bot-key"
        self.tell.command("python", "-m", "accredit_sdk.agent", "keygen", "--folder", folder.name)
        keygen = (str(BIN / "python"), "-m", "accredit_sdk.agent", "keygen", "--folder", str(folder))
        await asyncio.to_thread(self.stage.program, *keygen)
        adding = ("agent", "credential", "add", "billing-bot", "--public-key")
        self.tell.command("accredit", *adding, "billing-bot-key/agent-key.jwk.json")
        await asyncio.to_thread(self.stage.accredit, *adding, str(folder / "agent-key.jwk.json"))
        span = f"{OVERLAP_SECONDS}s"
        await asyncio.to_thread(self.cli, "agent", "credential", "retire", "billing-bot", old, "--in", span)

    async def until_refused(self, client_id: str, secret: str) -> float:
        """Return the seconds until the old secret gets no token any more."""
        begun = time.monotonic()
        while time.monotonic() - begun < 5 * OVERLAP_SECONDS:
            try:
                await asyncio.to_thread(Agent.token, self.stage.issuer, client_id, secret, self.ledger)
            except RuntimeError as refused:
                # In its last second it could only get a token that is dead already, and gets none.
                ended = any(code in str(refused) for code in ("invalid_client", "invalid_grant"))
                self.tell.expect(ended, f"the secret must have ended, and this is something else: {refused}")
                return time.monotonic() - begun
            await asyncio.sleep(0.1)
        raise self.tell.broken("the retired secret still gets tokens")
