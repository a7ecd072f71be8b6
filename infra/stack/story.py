"""From webhooks to alerts: three companies, what their tools send of them, and everything that must come of it."""

import json
import time
from collections import Counter
from pathlib import Path

import bodies
import kills
from bodies import DAY
from installation import CONNECTIONS

MAIL_EVENTS = Path(__file__).resolve().parents[2] / "shared/connectors/src/ses/fixtures"
# An urgent ticket is open for five days so long after it is told.
TURNS_AFTER_S = 8
HALYARD, MOORLAND, COPPERFIELD, LINDEN = 501, 502, 503, 504
LINDEN_RECORD = f"/crm/v3/objects/companies/{LINDEN}"
INES = "U0INES0001"


class Story:
    """What is sent, in chapters: each is sent as a whole before anything is looked at."""

    def __init__(self, now):
        since, sale = now - 41 * DAY, now - 3 * DAY
        old = [
            ("zendesk", bodies.ticket(911, HALYARD, "Urgent", now - 3 * DAY, now - 3 * DAY)),
            ("typeform", bodies.answer("t1", HALYARD, "ann@halyard.example", 3, now - 2 * DAY)),
            ("hubspot", bodies.contact(601, "Nora", "nora@copperfield.example", "CHAMPION", COPPERFIELD, since)),
        ]
        new = {"customer_since": bodies.midnight(sale), "notes_last_contacted": bodies.ms(now - 2 * DAY)}
        companies = [
            ("hubspot", bodies.company(HALYARD, "Halyard Freight", now, since, csm_sentiment="green")),
            ("hubspot", bodies.company(MOORLAND, "Moorland Dairy", now, since, csm_sentiment="green")),
            ("hubspot", bodies.company(COPPERFIELD, "Copperfield Analytics", now, sale, csm_sentiment="green", **new)),
        ]
        # What is known of companies comes before them, so that they are judged by all of it when they come.
        self.before, self.first_look = old, companies

    def trouble(self, at):
        """Halyard's CSM is worried; Moorland has an urgent ticket, abandoned soon; Copperfield buys more."""
        red = {"csm_sentiment": {"value": "red", "timestamp": int(at * 1000), "versions": []}}
        told = json.loads(self.first_look[0][1])
        told["properties"] |= red
        opened = at + TURNS_AFTER_S - 5 * DAY
        return [
            ("zendesk", bodies.ticket(912, MOORLAND, "Urgent", opened, opened)),
            ("hubspot", json.dumps(told).encode()),
            ("hubspot-app", bodies.company_changed(COPPERFIELD, "annual_recurring_revenue", "52000", 7001, at)),
        ]

    def answers(self, at, message):
        """Whoever got the alert takes care of it; somebody at Copperfield would not recommend us."""
        return [
            ("slack", bodies.claim(message, at)),
            ("typeform", bodies.answer("t2", COPPERFIELD, "nora@copperfield.example", 2, at)),
        ]


def tell(driven, receivers, vendors, gate):
    """Drives the story to its end; gives what was sent, chapter by chapter, and for a look at the clock its time.

    All is sent twice, and functions are killed at their work; nothing comes of either.
    """
    chapters = []

    def chapter(sent, killed=kills.NOBODY):
        chapters.append(sent)
        gate.kill(killed)
        for connection, body in sent * 2:
            receivers.send(connection, body)
        driven.rest()
        if gate.left:
            raise SystemExit(f"nobody came to where they should be killed: {gate.left}")

    story = Story(time.time())
    chapter(story.before)
    chapter(story.first_look, kills.FIRST_LOOK)
    at = time.time()
    chapter(story.trouble(at), kills.TROUBLE)
    time.sleep(max(0, at + TURNS_AFTER_S + 1 - time.time()))
    chapters.append(bodies.iso(time.time()))
    driven.tick()
    driven.rest()
    alerts = [message for message in vendors.posted() if "Halyard" in message["text"]]
    if not alerts:
        raise SystemExit("Slack was not told of Halyard Freight")
    chapter(story.answers(at + TURNS_AFTER_S, alerts[0]))
    return chapters


def afterwards(driven, receivers, vendors):
    """What is told of mail, and a company that an app names, twice: what it is HubSpot must be asked for.

    SES tells of it on the account's default bus, where AWS lets nobody else speak in its name, and neither does the engine.
    """
    driven.put("MailEventQueue", json.loads((MAIL_EVENTS / "complaint/body.json").read_text()))
    now = time.time()
    vendors.records[LINDEN_RECORD] = bodies.record(LINDEN, "Linden Labs", now - 9 * DAY)
    for _ in range(2):
        receivers.send("hubspot-app", bodies.company_made(LINDEN, 7002, now))
    driven.rest()


def differs(what, wanted, got):
    if wanted != got:
        yield f"{what}: {got}, and should be {wanted}"


def findings(driven, vendors, gate):
    """What must have come of the story, wherever it can be seen."""
    kept = Counter(row["connection"] for row in driven.items("Journal"))
    yield from differs("the journal knows the connections", CONNECTIONS.keys() | {"ses"}, set(kept))
    yield from differs("the journal holds", Counter({"hubspot": 5, "zendesk": 2, "typeform": 2, "hubspot-app": 3, "slack": 1, "ses": 1}), kept)

    bands = {row["pk"].rsplit(":", 1)[-1]: row["assessment"]["band"] for row in driven.rows("SUBJECT#", "ASSESSMENT")}
    yield from differs("the bands are", {"501": "red", "502": "red", "503": "green", "504": "unknown"}, bands)
    facts = Counter(row["sk"].split("#")[1] for row in driven.rows("SUBJECT#hubspot:company:50", "FACT#"))
    wanted = {"PROFILE": 4, "SENTIMENT": 3, "SUBSCRIPTION": 4, "TOUCHPOINT": 3, "TICK": 1, "ANSWER": 1}
    yield from differs("facts at companies", Counter(wanted), facts)
    episodes = Counter(row["sk"].split("#")[1] for row in driven.rows("SUBJECT#", "PLAY#"))
    wanted = {"risk-mitigation": 2, "renewal-runway": 2, "detractor-follow-up": 1, "onboarding-kickoff": 1}
    yield from differs("episodes", Counter(wanted), episodes)
    yield from differs("HubSpot is asked for", [LINDEN_RECORD], vendors.read())
    yield from differs("in quarantine", [], driven.rows("QUARANTINE#"))

    outbox = {row["sk"].removeprefix("EVENT#"): row["state"] for row in driven.rows("OUTBOX#")}
    yield from differs("rows of the outbox that are not published", {}, {key: state for key, state in outbox.items() if state != "published"})
    carried = Counter(event["detail"]["id"] for event in driven.on_the_bus())
    yield from differs("events on the bus that no row asks for, and rows without event", set(), carried.keys() ^ outbox.keys())
    yield from differs("who should have been killed and was not", [], gate.spared)
    # Whoever is killed before it hears that the bus has taken them must tell them again.
    again = {key for key, times in carried.items() if times > 1}
    yield from differs("events that the bus carried twice", gate.twice, again)
    yield from differs("messages left in queues", {}, driven.waiting())

    states = Counter(row["status"] for row in driven.rows("ACTION#"))
    unsettled = states.keys() - {"sent", "observed", "digested", "held", "claimed", "done"}
    yield from differs("how actions ended that should not have", set(), unsettled)
    said = [(message["channel"], message["text"].split("*")[1], "thread_ts" in message) for message in vendors.posted()]
    wanted = [(INES, "Halyard Freight", False), (INES, "Moorland Dairy", False), (INES, "Halyard Freight", True)]
    yield from differs("Slack took", wanted, said)
    shown = [body["text"].split("*")[1] for _, path, body in vendors.calls if path == "/slack/chat.update"]
    yield from differs("Slack changed", ["Halyard Freight"], shown)
    wanted = [("501", "red"), ("501", "yellow"), ("502", "red"), ("502", "yellow"), ("503", "green"), ("504", "unknown")]
    yield from differs("HubSpot shows", wanted, sorted(vendors.companies()))
    mails = [(mail["To"], mail["Source"], mail["Subject"].split(":")[0]) for mail in driven.mails()]
    wanted = (["ines.almeida@ourco.example"], "Customer Success <success@ourco.example>", "Draft")
    yield from differs("SES took", [wanted], mails)
