// An app by Atlassian's own framework, with its store in memory. Each line that it writes is one thing that happened.
const http = require("node:http");
const express = require("express");
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
app.post("/uninstalled", addon.verifyInstallation(), (req, res) => { say({ uninstalled: req.body.clientKey }); res.status(204).end(); });
const asked = (client, path) => new Promise((resolve) => {
  client.get({ url: path, json: true }, (error, response, body) => resolve({ status: response?.statusCode, body, error: error?.message }));
});
app.get("/hello", addon.authenticate(), async (req, res) => {
  const client = addon.httpClient(req);
  const me = await asked(client, "/rest/api/3/myself");
  const found = await asked(client, `/rest/api/3/issue/${req.query.issue}?fields=summary`);
  const refused = await asked({ get: (options, done) => client.post({ ...options, url: `/rest/api/3/issue/${req.query.issue}/comment`, json: { body: "x" } }, done) }, "");
  const property = "/rest/atlassian-connect/1/addons/com.example.foreign/properties/greeted";
  await asked({ get: (options, done) => client.put({ ...options, url: property, json: { issue: req.query.issue } }, done) }, "");
  const kept = await asked(client, property);
  res.json({ person: req.context.userAccountId, me: me.body, summary: found.body?.fields?.summary, refused: refused.status, kept: kept.body?.value });
});
app.get("/bare", addon.authenticate(), (req, res) => res.json({ person: req.context.userAccountId }));
app.get("/api", addon.checkValidToken(), (req, res) => res.json({ person: req.context.userAccountId }));
