// A day's work of a support team, done by a client that was not written here.
import assert from "node:assert/strict";
import { ServiceDeskClient, Version3Client } from "jira.js";

const host = process.env.JIRA_URL;
assert.ok(host, "JIRA_URL is needed");
const as = (Client, name) =>
  new Client({ host, authentication: { basic: { email: `${name}@example.com`, apiToken: `${name}-token` } } });
const admin = as(Version3Client, "alice");
const agent = as(Version3Client, "bob");
const adminDesk = as(ServiceDeskClient, "alice");
const agentDesk = as(ServiceDeskClient, "bob");
const customerDesk = as(ServiceDeskClient, "carla");
const did = (what) => console.log(`- ${what}`);
const doc = (text) => ({ type: "doc", version: 1, content: [{ type: "paragraph", content: [{ type: "text", text }] }] });
const refused = async (status, promise) => {
  const error = await promise.then(() => null, (e) => e);
  assert.equal(error?.status, status, `expected ${status}, got ${error?.status}: ${error?.message}`);
};

// Who and where.
const info = await agent.serverInfo.getServerInfo();
assert.equal(info.deploymentType, "Cloud");
const me = await agent.myself.getCurrentUser();
assert.equal(me.displayName, "Bob Agent");
const [carla] = await agent.userSearch.findUsers({ query: "carla" });
assert.equal(carla.accountType, "customer");
const projects = await agent.projects.searchProjects();
assert.deepEqual(projects.values.map((p) => p.key), ["HELP", "DEV"]);
const role = await admin.projectRoles.getProjectRole({ projectIdOrKey: "HELP", id: 10101 });
assert.equal(role.actors[0].actorUser.accountId, me.accountId);
const fields = await agent.issueFields.getFields();
assert.ok(fields.some((f) => f.name === "Request participants"));
did("signed in, looked at people, projects, roles and fields");

// An issue, from creation to the end.
const made = await agent.issues.createIssue({
  fields: { project: { key: "HELP" }, issuetype: { name: "Incident" }, summary: "Mail is down", description: doc("Nobody gets mail."), labels: ["mail"] },
});
const other = await agent.issues.createIssue({ fields: { project: { key: "DEV" }, issuetype: { name: "Bug" }, summary: "Mail server crashes" } });
await agent.issues.editIssue({ issueIdOrKey: made.key, fields: { summary: "Mail is down for everyone" } });
await agent.issues.assignIssue({ issueIdOrKey: made.key, accountId: me.accountId });
const issue = await agent.issues.getIssue({ issueIdOrKey: made.key, expand: "changelog" });
assert.equal(issue.fields.summary, "Mail is down for everyone");
assert.equal(issue.fields.assignee.accountId, me.accountId);
assert.equal(issue.changelog.total, 2);
await refused(400, agent.issues.createIssue({ fields: { project: { key: "HELP" }, issuetype: { name: "Incident" }, summary: "" } }));
await refused(404, agent.issues.getIssue({ issueIdOrKey: "HELP-9999" }));
did(`created, edited and assigned ${made.key}`);

const first = await agent.issueComments.addComment({ issueIdOrKey: made.key, comment: doc("Looking.") });
const again = await agent.issueComments.addComment({ issueIdOrKey: made.key, comment: doc("Looking.") });
assert.notEqual(first.id, again.id, "a repeated POST makes a second comment");
await agent.issueComments.updateComment({ issueIdOrKey: made.key, id: first.id, body: doc("Looking closely.") });
await agent.issueComments.deleteComment({ issueIdOrKey: made.key, id: again.id });
const note = await agent.issueComments.addComment({
  issueIdOrKey: made.key, comment: doc("Between us."), properties: [{ key: "sd.public.comment", value: { internal: true } }],
});
assert.equal(note.jsdPublic, false);
const comments = await agent.issueComments.getComments({ issueIdOrKey: made.key });
assert.equal(comments.total, 2);
did("commented, publicly and internally");

await agent.issueProperties.setIssueProperty({ issueIdOrKey: made.key, propertyKey: "steward", propertyValue: { region: "EU" } });
const property = await agent.issueProperties.getIssueProperty({ issueIdOrKey: made.key, propertyKey: "steward" });
assert.deepEqual(property.value, { region: "EU" });
await agent.issueCommentProperties.setCommentProperty({ commentId: first.id, propertyKey: "seen", property: { by: "me" } });
await agent.issueLinks.linkIssues({ type: { name: "Blocks" }, inwardIssue: { key: other.key }, outwardIssue: { key: made.key } });
const linked = await agent.issues.getIssue({ issueIdOrKey: made.key });
assert.equal(linked.fields.issuelinks[0].inwardIssue.key, other.key);
await agent.issueLinks.deleteIssueLink({ linkId: linked.fields.issuelinks[0].id });
did("set properties, linked and unlinked");

const { transitions } = await agent.issues.getTransitions({ issueIdOrKey: made.key });
await agent.issues.doTransition({ issueIdOrKey: made.key, transition: { id: transitions.find((t) => t.name === "Start work").id } });
await refused(400, agent.issues.doTransition({ issueIdOrKey: made.key, transition: { id: "11" } }));
did("moved it to In Progress");

// Search.
const found = await agent.issueSearch.searchForIssuesUsingJqlEnhancedSearchPost({
  jql: 'project = HELP AND status = "In Progress" AND stewardRegion = EU', fields: ["summary", "status"],
});
assert.deepEqual(found.issues.map((i) => i.key), [made.key]);
const light = await agent.issueSearch.searchForIssuesUsingJqlEnhancedSearch({ jql: "text ~ mail ORDER BY key" });
assert.deepEqual(Object.keys(light.issues[0]), ["id"]);
const count = await agent.issueSearch.countIssues({ jql: "text ~ mail" });
assert.equal(count.count, 2);
await refused(400, agent.issueSearch.searchForIssuesUsingJqlEnhancedSearch({ jql: "ORDER BY key" }));
const bulk = await agent.issues.bulkFetchIssues({ issueIdsOrKeys: [made.key, other.key], fields: ["summary"] });
assert.equal(bulk.issues.length, 2);
const mine = await agent.permissions.getMyPermissions({ permissions: "BROWSE_PROJECTS,ADMINISTER" });
assert.deepEqual([mine.permissions.BROWSE_PROJECTS.havePermission, mine.permissions.ADMINISTER.havePermission], [true, false]);
did("searched, counted and fetched");

// The desk.
const desks = await customerDesk.serviceDesk.getServiceDesks();
assert.deepEqual(desks.values.map((d) => d.projectKey), ["HELP", "OPEN"]);
const types = await customerDesk.serviceDesk.getRequestTypes({ serviceDeskId: "1" });
const form = await customerDesk.serviceDesk.getRequestTypeFields({ serviceDeskId: "1", requestTypeId: Number(types.values[0].id) });
assert.equal(form.requestTypeFields[0].fieldId, "summary");
const request = await customerDesk.request.createCustomerRequest({
  serviceDeskId: "1", requestTypeId: types.values[0].id, requestFieldValues: { summary: "New laptop", description: "Mine is *very* old" },
});
assert.equal(request.currentStatus.status, "Waiting for support");
await agentDesk.request.createRequestComment({ issueIdOrKey: request.issueKey, body: "Which one?", public: true });
await agentDesk.request.createRequestComment({ issueIdOrKey: request.issueKey, body: "Check the stock", public: false });
const seen = await customerDesk.request.getRequestComments({ issueIdOrKey: request.issueKey });
assert.deepEqual(seen.values.map((c) => c.body), ["Which one?"]);
await refused(404, customerDesk.request.getCustomerRequestByIdOrKey({ issueIdOrKey: made.key }));
did(`${request.issueKey} was raised and answered; the internal note stayed inside`);

const created = await adminDesk.customer.createCustomer({ email: "nina@example.com", displayName: "Nina Ny" });
await refused(400, adminDesk.customer.createCustomer({ email: "nina@example.com", displayName: "Nina Ny" }));
await refused(403, agentDesk.serviceDesk.addCustomers({ serviceDeskId: "1", accountIds: [created.accountId] }));
await adminDesk.serviceDesk.addCustomers({ serviceDeskId: "1", accountIds: [created.accountId] });
const customers = await agentDesk.serviceDesk.getCustomers({ serviceDeskId: "1", query: "nina" });
assert.equal(customers.values[0].accountId, created.accountId);
const acme = await agentDesk.organization.createOrganization({ name: "Initech" });
await agentDesk.organization.addUsersToOrganization({ organizationId: Number(acme.id), accountIds: [created.accountId] });
await agentDesk.organization.addOrganization({ serviceDeskId: "1", organizationId: Number(acme.id) });
const members = await agentDesk.organization.getUsersInOrganization({ organizationId: Number(acme.id) });
assert.equal(members.values[0].displayName, "Nina Ny");
await agentDesk.request.addRequestParticipants({ issueIdOrKey: request.issueKey, accountIds: [created.accountId] });
const steps = await customerDesk.request.getCustomerTransitions({ issueIdOrKey: request.issueKey });
const resolve = steps.values.find((t) => t.name === "Resolve this issue");
await customerDesk.request.performCustomerTransition({ issueIdOrKey: request.issueKey, id: resolve.id, additionalComment: { body: "Found one!" } });
const status = await agentDesk.request.getCustomerRequestStatus({ issueIdOrKey: request.issueKey });
assert.equal(status.values[0].status, "Resolved");
const queues = await agentDesk.serviceDesk.getQueues({ serviceDeskId: "1", includeCount: true });
const inQueue = await agentDesk.serviceDesk.getIssuesInQueue({ serviceDeskId: "1", queueId: Number(queues.values[0].id) });
assert.ok(inQueue.values.every((i) => i.key !== request.issueKey));
did("made a customer and an organization, took part, resolved");

await admin.issues.deleteIssue({ issueIdOrKey: made.key });
await refused(404, agent.issues.getIssue({ issueIdOrKey: made.key }));
did(`deleted ${made.key}`);
console.log("the day is done");
