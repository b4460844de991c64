// An app by Atlassian's own framework, with its store in memory. Each line that it writes is one thing that happened.
const http = require("node:http");
const express = require("express");
const request = require("request");

// The framework asks for tokens of people at Atlassian's own name, and no setting of its says otherwise: here the name leads to the site.
const named = "https://oauth-2-authorization-server.services.atlassian.com";
const led = (options, done) => request(options.url?.startsWith(named) ? { ...options, url: options.url.replace(named, process.env.AUTHORIZATION_SERVER) } : options, done);
require.cache[require.resolve("request")].exports = Object.assign(led, request);
const ace = require("atlassian-connect-express");

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const kept = new Map();
const nested = (key, client) => `${client}:${key}`;
ace.store.register("map", () => ({
  get: async (key, client) => kept.get(nested(key, client)) ?? null,
  set: async (key, value, client) => { kept.set(nested(key, client), value); return value; },
  saveInstallation: async (value, client) => { kept.set(nested("clientInfo", client), value); return value; },
  del: async (key, client) => { kept.delete(nested(key, client)); },
  getAllClientInfos: async () => [...kept.values()],
  isMemoryStore: () => true,
}));

const port = Number(process.env.PORT);
const app = express();
app.set("env", "production");
app.use(express.json());
app.use(express.urlencoded({ extended: false }));
const quiet = { info() {}, debug() {}, warn() {}, error: (...why) => process.stderr.write(`${why.join(" ")}\n`) };
const own = { port, localBaseUrl: `http://127.0.0.1:${port}`, store: { adapter: "map" }, whitelist: ["127.0.0.1"], watch: false, validateDescriptor: false };
const addon = ace(app, { config: { production: own, development: own, product: "jira" } }, quiet, () => http.createServer(app).listen(port, "127.0.0.1", () => say({ ready: true })));
app.use(addon.middleware());
addon.on("host_settings_saved", (clientKey) => say({ installed: clientKey }));
addon.on("jira:issue_created", (event, body) => say({ webhook: event, issue: body.issue.key }));
app.post("/enabled", addon.authenticate(), (req, res) => { say({ enabled: req.context.clientKey }); res.status(204).end(); });
app.post("/disabled", addon.authenticate(), (req, res) => { say({ disabled: req.context.clientKey }); res.status(204).end(); });
app.post("/uninstalled", addon.verifyInstallation(), (req, res) => { say({ uninstalled: req.body.clientKey }); res.status(204).end(); });
const asked = (client, method, path, body) => new Promise((resolve) => {
  client[method]({ url: path, json: body ?? true }, (error, response, body) => resolve({ status: response?.statusCode, body, error: error?.error ?? error?.message }));
});
app.get("/hello", addon.authenticate(), async (req, res) => {
  const client = addon.httpClient(req);
  const issue = `/rest/api/3/issue/${req.query.issue}`;
  const text = (text) => ({ body: { type: "doc", version: 1, content: [{ type: "paragraph", content: [{ type: "text", text }] }] } });
  const me = await asked(client, "get", "/rest/api/3/myself");
  const found = await asked(client, "get", `${issue}?fields=summary`);
  const said = await asked(client, "post", `${issue}/comment`, text("As the app"));
  const person = client.asUserByAccountId(req.context.userAccountId);
  const seen = await asked(person, "get", "/rest/api/3/myself");
  const theirs = await asked(person, "post", `${issue}/comment`, text("As the person"));
  const customer = await asked(client.asUserByAccountId(process.env.CUSTOMER), "get", "/rest/api/3/myself");
  const refused = await asked(client, "del", issue);
  const property = "/rest/atlassian-connect/1/addons/com.example.foreign/properties/greeted";
  await asked(client, "put", property, { issue: req.query.issue });
  const kept = await asked(client, "get", property);
  res.json({
    person: req.context.userAccountId, me: me.body, summary: found.body?.fields?.summary, said: said.body?.author?.accountId,
    seen: seen.body?.accountId, theirs: theirs.body?.author?.accountId, customer: customer.error, refused: refused.status, kept: kept.body?.value,
  });
});
app.get("/bare", addon.authenticate(), (req, res) => res.json({ person: req.context.userAccountId }));
app.get("/api", addon.checkValidToken(), (req, res) => res.json({ person: req.context.userAccountId, issue: req.context.context?.jira?.issue?.key }));
