"""A day's work on a Data Center, done by two clients that were not written here: jira and atlassian-python-api."""

import os
import pathlib
import tempfile

from atlassian import Jira, ServiceDesk
from jira import JIRA, JIRAError
from requests import HTTPError, get

HOST = os.environ["JIRA_URL"]
CARLA = "carla@example.com"


def did(what):
    print(f"- {what}", flush=True)


def as_jira(name):
    return JIRA(server=HOST, token_auth=f"{name}-token", max_retries=0)


def as_atlassian(client, name):
    return client(HOST, token=f"{name}-token", cloud=False)


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


def jira_day(file):
    admin, agent = as_jira("alice"), as_jira("bob")
    info = agent.server_info()
    assert info["deploymentType"] == "Server" and not agent._is_cloud
    me = agent.myself()
    assert (me["name"], me["key"]) == ("bob", "bagent")
    assert agent.session().name == "bob"
    assert [project.key for project in agent.projects()] == ["HELP", "DEV"]
    assert agent.search_users(user="carla")[0].name == CARLA
    assert agent.user("bob").emailAddress == "bob@example.com"
    assert any(field["name"] == "Request participants" for field in agent.fields())
    assert agent.my_permissions()["permissions"]["BROWSE_PROJECTS"]["havePermission"]
    did("jira: signed in by a token, looked at people, projects and fields")

    made = agent.create_issue(
        project={"key": "HELP"}, issuetype={"name": "Incident"}, summary="Mail is down", description="Nobody gets *mail*."
    )
    made.update(fields={"summary": "Mail is down for everyone", "labels": ["mail"]})
    agent.assign_issue(made.key, "bob")
    issue = agent.issue(made.key, expand="changelog")
    assert issue.fields.description == "Nobody gets *mail*."
    assert issue.fields.assignee.name == "bob"
    assert issue.changelog.histories[0].items[0].to == "bagent"
    agent.assign_issue(made.key, None)
    assert agent.issue(made.key).fields.assignee is None
    refused(404, lambda: agent.issue("HELP-9999"))
    did(f"jira: created, edited and assigned {made.key}")

    agent.add_comment(made.key, "Looking.")
    note = agent.add_comment(made.key, "Between us.", is_internal=True)
    assert len(agent.comments(made.key)) == 2
    note.delete()
    agent.add_issue_property(made.key, "steward", {"region": "EU"})
    assert agent.issue_property(made.key, "steward").value.region == "EU"
    kept = agent.add_attachment(made.key, str(file))
    assert "/secure/attachment/" in agent.attachment(kept.id).content
    assert agent.attachment(kept.id).get() == file.read_bytes()
    agent.delete_attachment(kept.id)
    did("jira: commented, set a property, attached a file and fetched it")

    other = agent.create_issue(project={"key": "DEV"}, issuetype={"name": "Bug"}, summary="Mail server crashes")
    agent.create_issue_link("Blocks", other.key, made.key)
    agent.transition_issue(made.key, "Start work")
    found = agent.search_issues('project = HELP AND status = "In Progress"', maxResults=1)
    assert (found.total, found[0].key) == (1, made.key)
    assert {one.key for one in agent.search_issues("summary ~ mail", maxResults=False)} == {other.key, made.key}
    admin.issue(made.key).delete()
    admin.issue(other.key).delete()
    did("jira: linked, moved, searched page by page, deleted")


def atlassian_day(file):
    admin_desk, agent_desk, customer_desk = (as_atlassian(ServiceDesk, name) for name in ("alice", "bob", "carla"))
    classic = as_atlassian(Jira, "bob")
    assert classic.myself()["displayName"] == "Bob Agent"
    assert classic.user("bob")["key"] == "bagent"
    desks = customer_desk.get_service_desks()
    assert [desk["projectKey"] for desk in desks] == ["HELP", "OPEN"]
    desk = desks[0]["id"]
    kind = customer_desk.get_request_types(desk)["values"][0]
    request = customer_desk.create_customer_request(desk, kind["id"], {"summary": "New laptop", "description": "*Very* old"})
    key = request["issueKey"]
    agent_desk.create_request_comment(key, "Which one?", public=True)
    agent_desk.create_request_comment(key, "Check the stock", public=False)
    assert [comment["body"] for comment in customer_desk.get_request_comments(key)] == ["Which one?"]
    did(f"atlassian-python-api: {key} was raised and answered; the internal note stayed inside")

    nina = admin_desk.create_customer("Nina Ny", "nina@example.com")
    assert nina["name"] == "nina@example.com"
    admin_desk.add_customers(desk, list_of_usernames=[nina["name"]])
    assert agent_desk.get_customers(desk, query="nina")["values"][0]["key"] == nina["key"]
    company = agent_desk.create_organization("Initech")
    agent_desk.add_users_to_organization(company["id"], users_list=[nina["name"]])
    agent_desk.add_organization(desk, int(company["id"]))
    assert agent_desk.get_users_in_organization(company["id"])["values"][0]["displayName"] == "Nina Ny"
    agent_desk.add_request_participants(key, users_list=[nina["name"]])
    assert agent_desk.get_request_participants(key)[0]["name"] == nina["name"]
    agent_desk.remove_request_participants(key, users_list=[nina["name"]])
    assert agent_desk.get_request_participants(key) == []
    did("atlassian-python-api: made a customer and an organization, took part")

    public = customer_desk.create_attachment(desk, key, str(file), public=True, comment="A photo")
    assert public["comment"]["public"] and public["attachments"]["values"][0]["filename"] == file.name
    place = public["attachments"]["values"][0]["_links"]["content"]
    assert "/secure/attachment/" in place
    assert get(place, headers={"Authorization": "Bearer carla-token"}).content == file.read_bytes()
    inside = agent_desk.create_attachment(desk, key, str(file), public=False)["attachments"]["values"][0]["_links"]["content"]
    assert get(inside, headers={"Authorization": "Bearer bob-token"}).status_code == 200
    for token in ("carla-token", "wrong"):
        assert get(inside, headers={"Authorization": f"Bearer {token}"}).status_code == 404
    steps = customer_desk.get_customer_transitions(key)["values"]
    customer_desk.perform_transition(key, next(step["id"] for step in steps if step["name"] == "Resolve this issue"), "Found!")
    assert all(one["key"] != key for one in agent_desk.get_issues_in_queue(desk, agent_desk.get_queues(desk)["values"][0]["id"])["values"])
    made = classic.issue_create({"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Third"})
    classic.issue_add_comment(made["key"], "Is it *this*?")
    assert classic.issue_get_comments(made["key"])["comments"][0]["body"] == "Is it *this*?"
    classic.assign_issue(made["key"], "alice")
    assert classic.jql("assignee = alice")["total"] == 1
    assert classic.jql("assignee = alice")["issues"][0]["fields"]["assignee"]["name"] == "alice"
    did("atlassian-python-api: files, transitions, issues and search")


with tempfile.TemporaryDirectory() as folder:
    photo = pathlib.Path(folder, "photo.png")
    photo.write_bytes(bytes(range(256)) * 64)
    jira_day(photo)
    atlassian_day(photo)
print("the day is done")
