"""A day's work of a support team, done by two clients that were not written here: jira and atlassian-python-api."""

import os
import pathlib
import tempfile

from atlassian import Jira, ServiceDesk
from atlassian.jira import JiraCloud
from jira import JIRA, JIRAError
from requests import HTTPError

HOST = os.environ["JIRA_URL"]


def did(what):
    print(f"- {what}", flush=True)


def doc(text):
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}


def as_jira(name, version):
    return JIRA(
        server=HOST,
        basic_auth=(f"{name}@example.com", f"{name}-token"),
        options={"rest_api_version": version},
        max_retries=0,
    )


def as_atlassian(client, name):
    return client(HOST, username=f"{name}@example.com", password=f"{name}-token", cloud=True)


def refused(status, call):
    try:
        call()
    except JIRAError as error:
        got = error.status_code
    except HTTPError as error:
        got = error.response.status_code
    else:
        got = None
    assert got == status, f"expected {status}, got {got}"


def jira_day(file, version):
    """Version 2, which is this client's own choice, has texts where version 3 has documents."""
    did(f"jira, version {version}")
    text = doc if version == "3" else str
    admin, agent = as_jira("alice", version), as_jira("bob", version)
    info = agent.server_info()
    assert info["deploymentType"] == "Cloud"
    me = agent.myself()
    assert me["displayName"] == "Bob Agent"
    assert [p.key for p in agent.projects()] == ["HELP", "DEV"]
    assert agent.search_users(query="carla")[0].displayName == "Carla Customer"
    assert any(field["name"] == "Request participants" for field in agent.fields())
    did("- signed in, looked at people, projects and fields")

    made = agent.create_issue(
        project={"key": "HELP"}, issuetype={"name": "Incident"}, summary="Mail is down", description=text("Nobody gets mail.")
    )
    made.update(fields={"summary": "Mail is down for everyone", "labels": ["mail"]})
    agent.assign_issue(made.key, me["displayName"])
    issue = agent.issue(made.key, expand="changelog")
    assert issue.fields.summary == "Mail is down for everyone"
    if version == "2":
        assert issue.fields.description == "Nobody gets mail."
    assert issue.fields.assignee.accountId == me["accountId"]
    assert len(issue.changelog.histories) >= 2
    refused(404, lambda: agent.issue("HELP-9999"))
    refused(400, lambda: agent.create_issue(project={"key": "HELP"}, issuetype={"name": "Incident"}, summary=""))
    did(f"- created, edited and assigned {made.key}")

    first = agent.add_comment(made.key, text("Looking."))
    note = agent.add_comment(made.key, text("Between us."), is_internal=True)
    assert first.jsdPublic and not note.jsdPublic
    assert len(agent.comments(made.key)) == 2
    note.delete()
    assert len(agent.comments(made.key)) == 1
    agent.add_issue_property(made.key, "steward", {"region": "EU"})
    assert agent.issue_property(made.key, "steward").value.region == "EU"
    did("- commented, publicly and internally; set a property")

    kept = agent.add_attachment(made.key, str(file))
    assert kept.filename == file.name and kept.get() == file.read_bytes()
    assert b"".join(kept.iter_content()) == file.read_bytes()
    assert agent.attachment_meta()["uploadLimit"] > 0
    assert agent.attachment(kept.id).size == len(file.read_bytes())
    agent.delete_attachment(kept.id)
    refused(404, lambda: agent.attachment(kept.id))
    did("- attached a file, fetched it, deleted it")

    other = agent.create_issue(project={"key": "DEV"}, issuetype={"name": "Bug"}, summary="Mail server crashes")
    agent.create_issue_link("Blocks", other.key, made.key)
    assert agent.issue(made.key).fields.issuelinks
    step = agent.find_transitionid_by_name(made.key, "Start work")
    agent.transition_issue(made.key, step)
    assert agent.issue(made.key).fields.status.name == "In Progress"
    found = agent.enhanced_search_issues('project = HELP AND status = "In Progress"', fields=["summary", "status"])
    assert [one.key for one in found] == [made.key]
    assert agent.approximate_issue_count("text ~ mail") == 2
    refused(400, lambda: agent.enhanced_search_issues("ORDER BY key"))
    admin.issue(made.key).delete()
    admin.issue(other.key).delete()
    refused(404, lambda: agent.issue(made.key))
    did("- linked, moved, searched, counted, deleted")


def atlassian_day(file):
    admin_desk, agent_desk, customer_desk = (as_atlassian(ServiceDesk, name) for name in ("alice", "bob", "carla"))
    cloud = as_atlassian(JiraCloud, "bob")
    assert cloud.get_current_user()["displayName"] == "Bob Agent"
    desks = customer_desk.get_service_desks()
    assert [desk["projectKey"] for desk in desks] == ["HELP", "OPEN"]
    desk = desks[0]["id"]
    kind = customer_desk.get_request_types(desk)["values"][0]
    fields = customer_desk.get_request_type_fields(desk, kind["id"])
    assert fields["requestTypeFields"][0]["fieldId"] == "summary"
    request = customer_desk.create_customer_request(
        desk, kind["id"], {"summary": "New laptop", "description": "Mine is *very* old"}
    )
    key = request["issueKey"]
    agent_desk.create_request_comment(key, "Which one?", public=True)
    agent_desk.create_request_comment(key, "Check the stock", public=False)
    seen = customer_desk.get_request_comments(key)
    assert [comment["body"] for comment in seen] == ["Which one?"]
    refused(403, lambda: customer_desk.create_request_comment(key, "Hidden", public=False))
    did(f"atlassian-python-api: {key} was raised and answered; the internal note stayed inside")

    public = customer_desk.create_attachment(desk, key, str(file), public=True, comment="A photo")
    assert public["comment"]["public"] and public["attachments"]["values"][0]["filename"] == file.name
    agent_desk.create_attachments(desk, key, [str(file), str(file)], public=False)
    refused(403, lambda: customer_desk.create_attachment(desk, key, str(file), public=False))
    shown = customer_desk.get(f"rest/servicedeskapi/request/{key}/attachment")["values"]
    assert len(shown) == 1
    assert len(cloud.get_issue(key)["fields"]["attachment"]) == 3
    did("atlassian-python-api: files came with comments; the customer saw the public one")

    nina = admin_desk.create_customer("Nina Ny", "nina@example.com")
    refused(403, lambda: agent_desk.add_customers(desk, list_of_accountids=[nina["accountId"]]))
    admin_desk.add_customers(desk, list_of_accountids=[nina["accountId"]])
    assert agent_desk.get_customers(desk, query="nina")["values"][0]["accountId"] == nina["accountId"]
    company = agent_desk.create_organization("Initech")
    agent_desk.add_users_to_organization(company["id"], account_list=[nina["accountId"]])
    agent_desk.add_organization(desk, int(company["id"]))
    assert agent_desk.get_users_in_organization(company["id"])["values"][0]["displayName"] == "Nina Ny"
    agent_desk.add_request_participants(key, account_list=[nina["accountId"]])
    assert agent_desk.get_request_participants(key)[0]["displayName"] == "Nina Ny"
    agent_desk.remove_request_participants(key, account_list=[nina["accountId"]])
    assert agent_desk.get_request_participants(key) == []
    steps = customer_desk.get_customer_transitions(key)["values"]
    resolve = next(step for step in steps if step["name"] == "Resolve this issue")
    customer_desk.perform_transition(key, resolve["id"], "Found one!")
    assert agent_desk.get_customer_request_status(key)
    queues = agent_desk.get_queues(desk)["values"]
    queued = agent_desk.get_issues_in_queue(desk, queues[0]["id"])["values"]
    assert all(one["key"] != key for one in queued)
    did("atlassian-python-api: made a customer and an organization, took part, resolved")

    made = cloud.create_issue(
        data={"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Second"}}
    )
    cloud.add_comment(made["key"], data={"body": doc("Noted.")})
    assert [one["key"] for one in cloud.enhanced_jql_get_list_of_tickets("summary ~ Second")] == [made["key"]]
    did("atlassian-python-api: worked on an issue through version 3")

    classic = as_atlassian(Jira, "bob")
    made = classic.issue_create({"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Third"})
    classic.issue_add_comment(made["key"], "Is it *this*?")
    assert classic.issue_get_comments(made["key"])["comments"][0]["body"] == "Is it *this*?"
    classic.add_attachment(made["key"], str(file))
    assert classic.get_attachments_ids_from_issue(made["key"])[0]["filename"] == file.name
    did("atlassian-python-api: and through version 2")


with tempfile.TemporaryDirectory() as folder:
    photo = pathlib.Path(folder, "photo.png")
    photo.write_bytes(bytes(range(256)) * 64)
    for version in ("2", "3"):
        jira_day(photo, version)
    atlassian_day(photo)
print("the day is done")
