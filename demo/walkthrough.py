"""The story: an agent, an MCP server that nobody changed, a guard, and what the audit says afterwards."""

import re
import time
from typing import Any

from demo.agent import Agent, Refused
from demo.narrator import Narrator
from demo.reach import Reach
from demo.stage import BIN, Stage, free_port
from demo.tamper import Tampering


class Walkthrough:
    """One chapter per method, in the order in which they are told."""

    def __init__(self, narrator: Narrator, stage: Stage, database: str) -> None:
        self.tell = narrator
        self.stage = stage
        self.database = database
        self.ledger = f"http://127.0.0.1:{free_port()}/mcp"

    async def run(self) -> None:
        """Tell the whole story."""
        kind = "PostgreSQL" if self.database == "postgres" else "SQLite"
        self.tell.title(
            "Accredit",
            "One call goes through the house: token, guard, tool, audit.",
            f"Real processes, the official MCP client, {kind}, no browser.",
        )
        self.start_server()
        self.register()
        self.put_guard_in_front()
        await self.call_without_token()
        agent = self.get_token()
        await self.allowed_call(agent)
        decision = await self.denied_call(agent)
        await self.unknown_tool(agent)
        agent = await self.widen_role()
        reach = Reach(self.tell, self.stage, self.cli, self.ledger)
        await reach.both_servers(self.client_id, self.secret)
        await reach.new_credential(self.client_id, self.secret, self.credential)
        await self.suspend(agent)
        self.audit(decision)
        Tampering(self.tell, self.stage, self.cli).found(decision)
        self.end()

    def start_server(self) -> None:
        """Start Accredit."""
        self.tell.chapter("Accredit starts")
        self.stage.configure(self.stage.postgres() if self.database == "postgres" else None)
        if self.database == "postgres":
            self.tell.command("accredit", "migrate")
            self.stage.run("migrate")
        self.tell.command("accredit", "up")
        config = str(self.stage.folder / "accredit.toml")
        log = self.stage.start("accredit", str(BIN / "accredit"), "--config", config, "up")
        self.stage.wait(self.stage.issuer + "/readyz", 200, log)
        self.tell.done(f"the authorization server answers at {self.stage.issuer}")

    def cli(self, *arguments: str) -> Any:
        """Show a command of the CLI, run it, and return what it says."""
        self.tell.command("accredit", *arguments)
        return self.stage.accredit(*arguments)

    def register(self) -> None:
        """Register the server with a scope per tool, a role and an agent."""
        self.tell.chapter("An MCP server, a role and an agent are registered")
        self.cli(
            *("server", "add", self.ledger, "--name", "ledger"),
            *("--scope", "ledger:invoices:read=Read invoices", "--scope", "ledger:invoices:write=Write invoices"),
            *("--scope", "ledger:invoices:pay=Pay invoices", "--scope", "ledger:purge=Delete every invoice"),
            *("--tool", "list_invoices=ledger:invoices:read", "--read-only", "list_invoices"),
            *("--tool", "create_invoice=ledger:invoices:write", "--tool", "pay_invoice=ledger:invoices:pay"),
            *("--tool", "purge_ledger=ledger:purge", "--destructive", "purge_ledger"),
            *("--default", "ledger:invoices:read"),
        )
        self.cli("role", "add", "bookkeeper", "--scope", "ledger=ledger:invoices:read")
        agent = self.cli(
            *("agent", "add", "billing-bot", "--owner", "dana@example.com"),
            *("--purpose", "Watches open invoices", "--role", "bookkeeper"),
        )
        self.client_id, self.secret = agent["client_id"], agent["secret"]
        self.credential = agent["credentials"][0]["id"]
        self.tell.done(f"billing-bot is {self.client_id}")
        self.tell.done("its secret was shown once; Accredit keeps only a hash of it")

    def put_guard_in_front(self) -> None:
        """Enrol a guard and start Ledger behind it."""
        self.tell.chapter("A guard goes in front of Ledger; not a line of its tools changes")
        invitation = self.cli("guard", "enrol", "ledger")
        folder = str(self.stage.folder / "ledger-guard")
        shown = ("--issuer", self.stage.issuer, "--folder", "ledger-guard")
        self.tell.command("python", "-m", "accredit_sdk.guard", "enrol", *shown)
        python = str(BIN / "python")
        enrol = (python, "-m", "accredit_sdk.guard", "enrol", "--issuer", self.stage.issuer, "--folder", folder)
        self.stage.program(*enrol, given=invitation["code"] + "\n")
        port = self.ledger.split(":")[2].split("/")[0]
        self.tell.command("python", "examples/guarded_ledger.py", *shown, "--port", port)
        arguments = ("--issuer", self.stage.issuer, "--folder", folder, "--port", port)
        self.log = self.stage.start("ledger", python, "examples/guarded_ledger.py", *arguments)
        metadata = self.ledger.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
        self.stage.wait(metadata, 200, self.log)
        self.tell.done("the guard made its own key, has the signed policy, and checks every call")

    async def call_without_token(self) -> None:
        """Show that nothing goes without a token."""
        self.tell.chapter("Somebody without a token")
        status, challenge = await Agent(self.ledger, None).knock()
        self.tell.expect(
            status == 401 and "resource_metadata=" in challenge, f"401 expected, not {status}: {challenge}"
        )
        self.tell.denied("HTTP 401, and the answer says where to get a token, and for what:")
        self.tell.members("WWW-Authenticate: Bearer", dict(re.findall(r'(\w+)="([^"]*)"', challenge)))

    def get_token(self) -> Agent:
        """Let the agent get its token."""
        self.tell.chapter("The agent gets a token, bound to this one server")
        agent = Agent(self.ledger, Agent.token(self.stage.issuer, self.client_id, self.secret, self.ledger))
        lifetime = agent.claims["exp"] - agent.claims["iat"]
        self.tell.rows(
            [
                ("sub", agent.claims["sub"], "for whom"),
                ("client_id", agent.claims["client_id"], "through which client"),
                ("aud", agent.claims["aud"], "for this server only"),
                ("scope", agent.claims["scope"], "what its role allows, no more"),
                ("exp", f"in {lifetime} seconds", "short-lived"),
            ]
        )
        self.tell.expect(agent.claims["aud"] == self.ledger, "the token must be bound to the server")
        return agent

    async def allowed_call(self, agent: Agent) -> None:
        """Call the tool that the role allows."""
        self.tell.chapter("The official MCP client calls a tool that the role allows")
        result = await agent.call("list_invoices")
        self.tell.allowed(f"list_invoices → {result}")
        self.tell.expect(self.handlers("list_invoices") == 1, "the handler of list_invoices must have run once")

    async def denied_call(self, agent: Agent) -> str:
        """Call the tool that it does not allow, and return the id of the decision."""
        self.tell.chapter("It calls one that the role does not allow")
        try:
            await agent.call("pay_invoice", number="INV-2")
        except Refused as refused:
            needed = ", ".join(refused.data["missing_scopes"])
            self.tell.denied(f"pay_invoice: HTTP 403, missing {needed}")
            self.tell.output(f"decision {refused.data['decision_id']}")
            self.tell.expect(self.handlers("pay_invoice") == 0, "the handler of pay_invoice must never have started")
            self.tell.done("Ledger's own log shows: the handler of pay_invoice never started")
            return str(refused.data["decision_id"])
        raise self.tell.broken("pay_invoice must be refused")

    async def unknown_tool(self, agent: Agent) -> None:
        """Call a tool that the policy does not know."""
        self.tell.chapter("It tries a name that the policy does not know")
        try:
            await agent.call("drop_tables")
        except Refused as refused:
            self.tell.expect(refused.code == -32602, f"error -32602 expected, not {refused.code}")
            self.tell.denied(f"drop_tables: {refused.message}. The guard answered; Ledger never saw it")
            return
        raise self.tell.broken("an unmapped tool must be refused")

    async def widen_role(self) -> Agent:
        """Give the role more, and call again with a new token."""
        self.tell.chapter("An administrator widens the role")
        scopes = ("--scope", "ledger=ledger:invoices")
        self.cli("server", "scope", "ledger", "ledger:invoices", "--description", "Everything about invoices")
        self.cli("role", "scopes", "bookkeeper", *scopes)
        wanted = "ledger:invoices:read ledger:invoices:pay"
        token = Agent.token(self.stage.issuer, self.client_id, self.secret, self.ledger, wanted)
        agent = Agent(self.ledger, token)
        self.tell.done(f"a new token carries [bold]{agent.claims['scope']}[/]: the wide scope of the role covers both")
        self.tell.allowed(f"pay_invoice → {await agent.call('pay_invoice', number='INV-2')}")
        return agent

    async def suspend(self, agent: Agent) -> None:
        """Suspend the agent: the command measures until the last guard has it, and then its living token is refused."""
        self.tell.chapter("The agent is suspended; its living token is refused at the tool")
        reach = self.cli("agent", "suspend", "billing-bot", "--yes")["reach"]
        self.tell.expect(reach["everywhere"] and reach["acknowledged"] == 2, "both guards must say that they have it")
        self.tell.done(f"dead everywhere: the last of 2 guards had it after {reach['took_ms']:.0f} ms")
        self.tell.expect(reach["took_ms"] <= 1000, "it must be felt at once, and not when a guard looks again")
        status, _ = await agent.knock()
        self.tell.expect(status == 401, "the suspended agent's token must not work any more")
        self.tell.denied("HTTP 401 at the tool, for a token with minutes to live")

    def audit(self, decision: str) -> None:
        """Explain the refusal and verify the log."""
        self.tell.chapter("The audit says who, through which client, and why")
        self.tell.command("accredit", "explain", decision)
        self.tell.output(self.await_record(decision))
        self.tell.output("\n")
        self.tell.command("accredit", "audit", "verify")
        self.tell.output(self.stage.run("audit", "verify", columns=self.tell.room))

    def await_record(self, decision: str) -> str:
        """Return the explanation as soon as the guard has delivered its record."""
        deadline = time.monotonic() + 15
        while True:
            try:
                return self.stage.run("explain", decision, columns=self.tell.room)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def handlers(self, tool: str) -> int:
        """Count in Ledger's own log how often the handler of a tool began."""
        return self.log.read_text().count(f"handler {tool} started")

    def end(self) -> None:
        """Say where to go from here."""
        self.tell.title(
            "Every step did what it says",
            "What to try next:",
            "",
            "  [cyan].venv/bin/accredit up[/]",
            "    the server, in ./accredit-data; a second start goes on where it ended",
            "  [cyan].venv/bin/accredit server add --help[/]",
            "    register your own MCP server, with its tools and their scopes",
            "  [cyan]examples/guarded_ledger.py[/]",
            "    the one line that puts a guard in front of it",
            "",
            "While `accredit up` runs, open",
            "",
            "  http://127.0.0.1:8700/.well-known/oauth-authorization-server",
            "  http://127.0.0.1:8700/jwks",
            "",
            "Then read README.md, and ARCHITECTURE.md for where everything is.",
        )
