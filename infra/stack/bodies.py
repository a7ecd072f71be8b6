"""What the tools send in the story, in the shape in which each sends it. Companies and people are invented."""

import json
import time
import urllib.parse

DAY = 86_400


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def ms(at):
    """As HubSpot's properties have it."""
    return str(int(at * 1000))


def midnight(at):
    """The day, as HubSpot's properties have it."""
    return ms(at // DAY * DAY)


def company(number, name, now, since, **own):
    """HubSpot's workflow: a whole company. `since`: when each property was set; `own`: properties of this one."""
    properties = {
        "name": name,
        "domain": f"{name.split()[0].lower()}.example",
        "lifecyclestage": "customer",
        "customer_success_manager": "ines.almeida@ourco.example",
        "customer_tier": "growth",
        "customer_segment": "mid-market",
        "customer_since": midnight(now - 640 * DAY),
        "annual_recurring_revenue": "48000",
        "renewal_date": midnight(now + 80 * DAY),
        "renewal_notice_days": "30",
        "auto_renew": "true",
        "notes_last_contacted": ms(now - 68 * DAY),
        "is_test_account": "false",
        **own,
    }
    told = {key: {"value": value, "timestamp": int(since * 1000), "versions": []} for key, value in properties.items()}
    return json.dumps({"portalId": 27730411, "objectType": "COMPANY", "objectId": number, "properties": told, "isDeleted": False}).encode()


def contact(number, name, email, role, company_number, since):
    """HubSpot's workflow: a person, in its older shape."""
    told = {"email": email, "firstname": name, "hs_buying_role": role}
    properties = {key: {"value": value, "versions": [{"value": value, "timestamp": int(since * 1000)}]} for key, value in told.items()}
    return json.dumps({"vid": number, "is-contact": True, "properties": properties, "associated-company": {"company-id": company_number}}).encode()


def company_changed(number, name, value, event, at):
    """A HubSpot app: one property."""
    return _of_app("company.propertyChange", number, event, at, propertyName=name, propertyValue=value)


def company_made(number, event, at):
    """A HubSpot app: there is a company. It says nothing of it."""
    return _of_app("company.creation", number, event, at)


def _of_app(kind, number, event, at, **own):
    told = {"eventId": event, "portalId": 27730411, "occurredAt": int(at * 1000), "subscriptionType": kind, "attemptNumber": 0}
    return json.dumps([{**told, "objectId": number, **own}]).encode()


def record(number, name, since):
    """HubSpot's API: a company."""
    properties = {"name": name, "lifecyclestage": "customer", "annual_recurring_revenue": "9600"}
    history = {key: [{"value": value, "timestamp": iso(since)}] for key, value in properties.items()}
    around = {"createdAt": iso(since), "updatedAt": iso(since), "archived": False}
    return {"id": str(number), "properties": properties, "propertiesWithHistory": history, **around}


def ticket(number, company_number, priority, opened, at):
    """Zendesk's trigger, with our template."""
    told = {"id": str(number), "status": "Open", "priority": priority, "type": "Problem", "created_at": iso(opened), "updated_at": iso(at)}
    owner = {"requester_id": "38100501", "organization_id": str(company_number), "organization_external_id": str(company_number)}
    return json.dumps({"barometer": 1, "ticket": {**told, **owner}}).encode()


def answer(token, company_number, email, nps, at):
    """Typeform: somebody's answer."""
    field = {"id": "q7NpsRecommnd", "ref": "recommend", "type": "nps"}
    response = {"form_id": "Qp7Pulse", "token": token, "submitted_at": iso(at), "hidden": {"account_id": str(company_number), "email": email}}
    response["definition"] = {"id": "Qp7Pulse", "fields": [{**field, "title": "How likely is it that you would recommend us?"}]}
    response["answers"] = [{"type": "number", "number": nps, "field": field}]
    return json.dumps({"event_id": f"e-{token}", "event_type": "form_response", "form_response": response}).encode()


def claim(message, at):
    """Slack: the reader of `message` clicks that they take care of it."""
    block = next(block["block_id"] for block in message["blocks"] if block["type"] == "actions")
    action = {"action_id": "barometer_claim", "block_id": block, "type": "button", "action_ts": f"{at:.6f}"}
    payload = {"type": "block_actions", "user": {"id": message["channel"]}, "team": None, "actions": [action]}
    return urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
