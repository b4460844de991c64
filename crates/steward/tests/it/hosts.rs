//! What Steward can do by how a site is joined: tried on one site of each kind, written down, and compared with docs/hosts.md.
//! `UPDATE=1` writes it. Every cell is what happened here, never what somebody believes.

use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use host::client::{As, Jira};
use kernel::AccountId;
use sandbox::Version;
use sandbox::forge::ForgeApp;
use serde_json::{Value, json};

use crate::customer_sign_in::{SignKey, Visitor};
use crate::generated::compare;
use crate::scoped_tokens::joins_with_scopes;
use crate::site::{Browser, done, joins, signs_in_through, steward};
use crate::world::{Answer, CONNECT_APP, World};

/// What joins a site.
#[derive(Clone, Copy)]
enum Kind {
    /// The Forge app, whose administrators type the server's address.
    ForgeTyped,
    /// The Forge app with the address in its manifest.
    ForgeFixed,
    CloudToken,
    DataCenter(Version),
    Connect,
}

/// The columns, each with the sites that it was tried on and what tells those apart.
const COLUMNS: [(&str, &[(&str, Kind)]); 5] = [
    ("Forge app, address typed", &[("", Kind::ForgeTyped)]),
    ("Forge app, fixed address", &[("", Kind::ForgeFixed)]),
    ("Token, Cloud", &[("", Kind::CloudToken)]),
    (
        "Token, Data Center",
        &[("10.3", Kind::DataCenter(Version::new(10, 3))), ("9.12", Kind::DataCenter(Version::new(9, 12)))],
    ),
    ("Connect app", &[("", Kind::Connect)]),
];

/// Within what an open page is told, which would wait twice as long: whoever is told later was told because the wait ended.
const SOON: Duration = Duration::from_secs(10);

/// What is tried, in the order of the rows.
const ROWS: [&str; 23] = [
    "Customers, organizations and members are read",
    "An agent sees the panel of an issue",
    "Values are written, with history",
    "An open page hears of others' changes within seconds, by a request that waits",
    "A page stands inside Jira",
    "Panels stand on the portal's pages, below its requests and in its user menu",
    "A page opens in full on this server's own address",
    "A page in Jira opens it there by a ticket that is good once",
    "People sign in on this server's own pages",
    "A customer with an account sees their own fields",
    "A customer who knows only the portal sees their own fields",
    "A customer without a licence comes in by a token of their own site's",
    "Counts of open and closed requests",
    "An administrator makes a customer",
    "An agent raises a request for a customer",
    "Steward writes as the person: Jira says that this agent raised it",
    "Chosen values stand on issues, for automation",
    "A request that was just made has them at once",
    "JQL finds issues by them",
    "A new name in Jira shows at once",
    "Jira is read as a colleague who never came here",
    "Jira is read as a customer who never came here",
    "A site's end is heard from Jira",
];

/// A site of one kind, and how one is on its pages.
struct Tried<'w> {
    world: &'w World,
    /// Who signed in on our own pages, where pages do not stand in Jira.
    browsers: Option<[(Browser<'w>, String); 2]>,
    cells: Vec<bool>,
}

impl Tried<'_> {
    async fn asks(&mut self, admin: bool, method: Method, path: &str, body: Option<Value>, saw: Option<i64>) -> Answer {
        match &mut self.browsers {
            Some(browsers) => {
                let (browser, csrf) = &mut browsers[usize::from(admin)];
                browser.saw = saw;
                browser.asks(method, path, Some(csrf.as_str()), body).await
            }
            None => {
                let actor = if admin { self.world.admin() } else { self.world.agent() };
                let etag = saw.map(|version| format!("\"v{version}\""));
                actor.ask(method, path, etag.as_deref(), body).await
            }
        }
    }

    async fn gets(&mut self, path: &str) -> Answer {
        self.asks(false, Method::GET, path, None, None).await
    }

    async fn customer(&mut self) -> String {
        let panel = self.panel().await;
        let people = panel.body["people"].as_array().cloned().unwrap_or_default();
        let is_reporter = |one: &&Value| one["roles"].as_array().is_some_and(|all| all.contains(&json!("reporter")));
        people.iter().find(is_reporter).and_then(|one| one["accountId"].as_str()).unwrap_or_default().to_owned()
    }

    async fn panel(&mut self) -> Answer {
        let path = format!("/api/v1/panel?issue={}", self.world.issue());
        if self.browsers.is_some() {
            return self.gets(&path).await;
        }
        let mut page = self.world.on_page("agent", "customer-panel");
        page.issue = Some(self.world.issue());
        page.get(&path).await
    }

    /// Tries everything, from top to bottom.
    async fn everything(mut self) -> Vec<bool> {
        let listed = self.gets("/api/v1/customers").await;
        let organizations = self.gets("/api/v1/organizations").await.body;
        let members = organizations["items"].as_array().is_some_and(|all| {
            !all.is_empty() && all.iter().any(|one| one["memberCount"].as_u64().is_some_and(|count| count > 0))
        });
        self.cells.push(listed.body["items"].as_array().is_some_and(|all| all.len() > 10) && members);
        let shown = self.panel().await;
        let name = self.world.jira.visitor("customer").unwrap().display_name;
        self.cells.push(shown.status == 200 && shown.text.contains(&name));
        let customer = self.customer().await;
        Box::pin(self.writes(&customer)).await;
        Box::pin(self.pages()).await;
        let one = self.gets(&format!("/api/v1/customers/{customer}")).await;
        self.cells.push(one.body["counts"]["open"].is_u64());
        Box::pin(self.makes(&customer)).await;
        Box::pin(self.stands(&customer)).await;
        Box::pin(self.hears(&customer)).await;
        self.leaves().await;
        self.cells
    }

    async fn writes(&mut self, customer: &str) {
        let field = json!({"entity": "customer", "type": "text", "name": "Contract", "audience": "customerView"});
        let made = self.asks(true, Method::POST, "/api/v1/fields", Some(field), None).await.expect(201);
        let path = format!("/api/v1/customers/{customer}/values/{}", made.body["id"].as_str().unwrap());
        let written = self.asks(false, Method::PUT, &path, Some(json!({"value": "K-17"})), Some(0)).await;
        let history = self.gets(&format!("/api/v1/customers/{customer}/history")).await;
        self.cells.push(written.status == 200 && history.text.contains("K-17"));
        let told = self.is_told_of_others().await;
        self.cells.push(told);
    }

    /// Whether an agent's page, which waits, is told of what an administrator does meanwhile.
    async fn is_told_of_others(&mut self) -> bool {
        let after = self.gets("/api/v1/changes").await.expect(200).body["after"].as_i64().unwrap();
        let waits = format!("/api/v1/changes?after={after}&wait=20");
        let (path, field) = ("/api/v1/fields", json!({"entity": "customer", "type": "text", "name": "Meanwhile"}));
        let (told, made) = match &mut self.browsers {
            Some([(agent, _), (admin, csrf)]) => {
                let defines = admin.asks(Method::POST, path, Some(csrf.as_str()), Some(field));
                tokio::join!(tokio::time::timeout(SOON, Box::pin(agent.goes(&waits))), Box::pin(defines))
            }
            None => {
                let (agent, admin) = (self.world.agent(), self.world.admin());
                let told = tokio::time::timeout(SOON, Box::pin(agent.get(&waits)));
                tokio::join!(told, Box::pin(admin.post(path, field)))
            }
        };
        let made = json!({"kind": "field", "id": made.expect(201).body["id"]});
        let Ok(told) = told else { return false };
        told.expect(200).body["changes"].as_array().is_some_and(|changes| changes.contains(&made))
    }

    async fn pages(&mut self) {
        // A page in Jira has what proves it without anybody signing in here; without such, Jira has no way to show one.
        let inside = self.browsers.is_none() && self.world.agent().get("/api/v1/me").await.status == 200;
        self.cells.push(inside);
        let in_portal = Box::pin(self.stands_in_the_portal()).await;
        self.cells.push(in_portal);
        let (here, by_ticket) = Box::pin(self.opens_here()).await;
        self.cells.extend([here, by_ticket]);
        let site = self.world.tenant().await;
        let away = Request::get(format!("/sign-in/{site}")).body(Body::empty()).unwrap();
        self.cells.push(self.world.send(away).await.status == 303);
        for who in [self.world.unlicensed().who, self.world.customer().who] {
            let seen = Box::pin(self.sees_their_own(&who)).await;
            self.cells.push(seen);
        }
        let signed = self.comes_with_a_token().await;
        self.cells.push(signed);
    }

    /// Whether a customer meets us in the portal besides their profile: on top of its pages, below a request of theirs, in the user's menu.
    async fn stands_in_the_portal(&self) -> bool {
        let request = self.world.issue();
        for module in ["portal-header", "portal-request", "portal-menu"] {
            let place = (module == "portal-request").then_some(request.as_str());
            let by_forge = self.world.jira.page_token("customer", module, place).await.is_ok();
            if !by_forge && self.world.jira.connect_page(CONNECT_APP, "customer", module, place).is_err() {
                return false;
            }
            let mut page = self.world.on_page("customer", module);
            page.issue = place.map(str::to_owned);
            if page.get("/api/v1/me").await.body["role"] != "customer" {
                return false;
            }
        }
        true
    }

    /// Whether a page is there on our own address, and whether one in Jira brings its reader there by a ticket, once.
    async fn opens_here(&mut self) -> (bool, bool) {
        let asked = self.asks(false, Method::POST, "/api/v1/session/tickets", Some(json!({})), None).await;
        if asked.status != 200 {
            // Whoever signed in on our own pages is there, and needs none.
            let there = self.browsers.is_some() && self.gets("/api/v1/me").await.status == 200;
            return (there, false);
        }
        let url: url::Url = asked.body["url"].as_str().unwrap().parse().unwrap();
        let ticket = url.query_pairs().find(|(name, _)| name == "ticket").unwrap().1.into_owned();
        let begins = || {
            let body = Body::from(json!({"ticket": ticket}).to_string());
            Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
        };
        let begun = self.world.send(begins()).await;
        let Some(cookie) = begun.headers.get(header::SET_COOKIE) else { return (false, false) };
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        let me = Request::get("/api/v1/me").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let there = url.origin() == self.world.config.server.origin.origin() && self.world.send(me).await.status == 200;
        (there, there && self.world.send(begins()).await.status == 401)
    }

    /// Whether somebody without a licence comes to what is theirs: on a page in Jira's portal, or by signing in on our own.
    async fn sees_their_own(&self, who: &str) -> bool {
        if self.browsers.is_none() {
            let own = self.world.on_page(who, "portal-profile");
            return own.get(&format!("/api/v1/customers/{}/values", own.account())).await.status == 200;
        }
        let site = self.world.tenant().await.to_string();
        let mut browser = Browser::of(self.world, who);
        // Where accounts are Atlassian's, whoever has none there gets no further than its sign-in page.
        if self.world.jira.data_center().is_none() && !browser.is_known_at_atlassian(&site).await {
            return false;
        }
        browser.signs_in(&site).await;
        let me = browser.goes("/api/v1/me").await.body;
        let path = format!("/api/v1/customers/{}/values", me["accountId"].as_str().unwrap_or_default());
        me["role"] == "customer" && browser.goes(&path).await.status == 200
    }

    /// Whether a customer of the portal alone comes in with a token that their own site signed, and sees their requests.
    async fn comes_with_a_token(&mut self) -> bool {
        let made = self.asks(true, Method::POST, "/api/v1/customer-keys", Some(json!({"name": "Shop"})), None).await;
        let listed = self.asks(true, Method::GET, "/api/v1/customer-keys", None, None).await.expect(200);
        let key = SignKey::of(self.world, &made.expect(201).body, &listed.body);
        let mut visitor = Visitor::of(self.world);
        let email = self.world.jira.visitor("customer").unwrap().email;
        let came = visitor.posts(&key, &key.token(&email), None).await.status == 200;
        let requests = visitor.gets("/api/v1/me/requests").await;
        came && requests.status == 200 && requests.body["items"].as_array().is_some_and(|all| !all.is_empty())
    }

    async fn makes(&mut self, customer: &str) {
        let wanted = json!({"email": "grace.hopper@navy.example", "displayName": "Grace Hopper"});
        let made = self.asks(true, Method::POST, "/api/v1/customers", Some(wanted), None).await.status == 201;
        self.cells.push(made);
        let own = self.world.issue().split('-').next().unwrap().to_owned();
        let projects = self.gets("/api/v1/projects").await.body;
        let project = projects["items"].as_array().unwrap().iter().find(|one| one["key"] == own.as_str()).unwrap();
        let project = project["id"].as_str().unwrap().to_owned();
        let kinds = self.gets(&format!("/api/v1/projects/{project}/request-types")).await.body;
        let (mut raised, mut theirs) = (false, false);
        for kind in kinds["items"].as_array().cloned().unwrap_or_default() {
            let kind = kind["id"].as_str().unwrap();
            let form = self.gets(&format!("/api/v1/projects/{project}/request-types/{kind}")).await.body;
            if raised || form["missing"] != json!([]) {
                continue;
            }
            let wanted = json!({
                "accountId": customer, "projectId": project, "requestTypeId": kind,
                "summary": "Cannot sign in", "description": "Since *this* morning.\n\nNo h1. markup",
            });
            let made = self.asks(false, Method::POST, "/api/v1/requests", Some(wanted), None).await;
            raised = made.status == 201;
            theirs = raised && self.is_the_agents(made.body["issueKey"].as_str().unwrap());
        }
        self.cells.extend([raised, theirs]);
    }

    /// Whether Jira says that the agent made an issue, and not the account or the app that Steward is there.
    fn is_the_agents(&self, issue: &str) -> bool {
        let agent = self.world.jira.visitor("agent").unwrap().account_id;
        let state = self.world.jira.state();
        let store = state.read();
        store.issue(issue).unwrap().creator == agent
    }

    /// Whether values stand on the customer's issues, and search knows them.
    async fn stands(&mut self, customer: &str) {
        let field = json!({"entity": "customer", "type": "text", "name": "Tier", "audience": "customerView"});
        let made = self.asks(true, Method::POST, "/api/v1/fields", Some(field), None).await.expect(201).body;
        let id = made["id"].as_str().unwrap();
        let path = format!("/api/v1/customers/{customer}/values/{id}");
        self.asks(false, Method::PUT, &path, Some(json!({"value": "Gold"})), Some(0)).await.expect(200);
        let path = format!("/api/v1/settings/in-jira/fields/{id}");
        let chosen = self.asks(true, Method::PUT, &path, None, made["version"].as_i64()).await.expect(200).body;
        self.settles().await;
        let issue = self.world.issue();
        self.cells.push(self.is_gold(&issue));
        let reporter = self.world.jira.visitor("customer").unwrap().account_id;
        let new = self.world.raises(&reporter, Vec::new());
        self.settles().await;
        self.cells.push(self.is_gold(&new));
        let found = match (chosen["alias"].as_str(), self.world.jira.data_center()) {
            (Some(alias), None) => self.world.jql(&format!("{alias} = Gold")).await.contains(&issue),
            _ => false,
        };
        self.cells.push(found);
    }

    async fn settles(&self) {
        self.world.jira.deliveries_settled().await;
        self.world.program.runner.drain().await.unwrap();
    }

    /// Whether the customer's value stands on an issue.
    fn is_gold(&self, issue: &str) -> bool {
        let state = self.world.jira.state();
        let store = state.read();
        let stands = store.issue(issue).unwrap().properties.get("stewardCustomers");
        stands.is_some_and(|stands| stands["customer"]["tier"] == "Gold")
    }

    async fn hears(&mut self, customer: &str) {
        let theirs = self.world.jira.visitor("customer").unwrap().account_id;
        let rename = |one: &mut sandbox::state::model::Account| one.display_name = "Renamed Meanwhile".to_owned();
        self.world.jira.state().edit_account(&sandbox::events::Actor::default(), &theirs, rename).unwrap();
        self.settles().await;
        let one = self.gets(&format!("/api/v1/customers/{customer}")).await;
        self.cells.push(one.text.contains("Renamed Meanwhile"));
        // Neither opened a page here, or signed in.
        for who in [self.world.colleague().who, self.world.other_customer().who] {
            let read = self.reads_as(&who).await;
            self.cells.push(read);
        }
    }

    /// Whether Jira is read as somebody who did not come here themselves.
    async fn reads_as(&self, who: &str) -> bool {
        let account = AccountId::new(self.world.known_as(who).await).unwrap();
        let cx = self.world.reader().await;
        let person = As::Person(account.clone());
        match Jira::for_tenant(&self.world.program.host().cloud, &cx, person).myself().await {
            Ok(me) => me.account_id.as_str() == account.as_str(),
            Err(fault) => {
                assert_eq!(fault.code(), "refused", "a no of Jira's, and no mishap");
                false
            }
        }
    }

    async fn leaves(&mut self) {
        let tenant = self.world.tenant().await;
        let heard = if self.browsers.is_some() {
            // Nothing in Jira can be taken away that would say so: the operator does.
            let url = self.world.jira.url();
            done(&steward(self.world, &["remove", &url, "--yes"], "").await);
            self.world.jira.deliveries_settled().await;
            false
        } else {
            if self.world.jira.forge().installed().is_empty() {
                self.world.jira.connect().uninstall(crate::world::CONNECT_APP).await.unwrap();
            } else {
                self.world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
            }
            self.world.jira.deliveries_settled().await;
            let state = store::tenants::state_of(&self.world.program.store, tenant).await.unwrap();
            state == Some(store::tenants::State::Gone)
        };
        self.world.program.runner.drain().await.unwrap();
        self.cells.push(heard);
    }
}

/// The Forge app with this server's address in it, as docs/install-forge.md says to make it.
fn fixed(world: &World) -> ForgeApp {
    let origin = world.config.server.origin.as_str().trim_end_matches('/');
    let ours = steward::demo::app();
    let (head, rest) = ours.manifest_yaml.split_once("  external:\n").unwrap();
    let (_, rest) = rest.split_once("\nremotes:\n").unwrap();
    let (remote, rest) = rest.split_once("    configurable:\n").unwrap();
    let (_, rest) = rest.split_once("\nresources:\n").unwrap();
    let manifest_yaml = format!("{head}\nremotes:\n{remote}    baseUrl: {origin}\n\nresources:\n{rest}");
    ForgeApp { manifest_yaml, ..ours }
}

async fn tried(kind: Kind) -> Vec<bool> {
    let world = match kind {
        Kind::ForgeTyped => World::start().await,
        Kind::ForgeFixed => {
            let world = World::unjoined(Vec::new()).await;
            // Nobody types an address.
            world.jira.forge().install(fixed(&world), None).unwrap();
            world.jira.deliveries_settled().await;
            world.program.runner.drain().await.unwrap();
            world
        }
        Kind::Connect => World::start_connected().await,
        Kind::CloudToken => World::unjoined(Vec::new()).await,
        Kind::DataCenter(version) => World::data_center(Vec::new(), version).await,
    };
    let by_operator = matches!(kind, Kind::CloudToken | Kind::DataCenter(_));
    let joined = if by_operator { Some(joins(&world).await) } else { None };
    tried_on(world, joined).await
}

/// Tries everything on a site; on our own pages where an operator joined it.
async fn tried_on(world: World, joined: Option<Value>) -> Vec<bool> {
    let mut browsers = None;
    if let Some(joined) = joined {
        signs_in_through(&world).await;
        let site = joined["id"].as_str().unwrap();
        let (mut agent, mut admin) = (Browser::of(&world, "agent"), Browser::of(&world, "admin"));
        let (agents, admins) = (agent.signs_in(site).await, admin.signs_in(site).await);
        browsers = Some([(agent, agents), (admin, admins)]);
    }
    let cells = Box::pin(Tried { world: &world, browsers, cells: Vec::new() }.everything()).await;
    assert_eq!(cells.len(), ROWS.len());
    world.end().await;
    cells
}

/// One that has scopes, and one of a service account, which is taken without its account.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_scopes_does_what_a_classic_one_does() {
    let classic = Box::pin(tried(Kind::CloudToken)).await;
    for alone in [false, true] {
        let world = World::unjoined(Vec::new()).await;
        let joined = Box::pin(joins_with_scopes(&world, alone)).await;
        assert_eq!(Box::pin(tried_on(world, Some(joined))).await, classic, "alone: {alone}");
    }
}

/// What a cell says: one word, where its sites agree.
fn cell(tried: &[(&str, bool)]) -> String {
    let word = |can: bool| if can { "yes" } else { "no" };
    match tried {
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => word(*first).to_owned(),
        _ => tried.iter().map(|(which, can)| format!("{which}: {}", word(*can))).collect::<Vec<_>>().join(", "),
    }
}

#[test]
fn a_cell_says_where_its_sites_differ() {
    assert_eq!(cell(&[("", true)]), "yes");
    assert_eq!(cell(&[("10.3", false), ("9.12", false)]), "no");
    assert_eq!(cell(&[("10.3", true), ("9.12", false)]), "10.3: yes, 9.12: no");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_hosts_is_what_was_tried() {
    let mut columns = Vec::new();
    for (_, sites) in COLUMNS {
        let mut column = Vec::new();
        for (which, kind) in sites {
            column.push((*which, Box::pin(tried(*kind)).await));
        }
        columns.push(column);
    }
    let mut text = String::from(
        "# What Steward can do, by how a site is joined\n\n\
         Each cell is written by a test that tried it on a site of that kind (`crates/steward/tests/it/hosts.rs`, against the stand-in Jira that comes \
         with the program). Nobody edits this table: the tests fail when it says anything else than what happened. \
         Data Center was tried as 10.3 and as 9.12; where the two differ, the cell says so.\n\n",
    );
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    writeln!(text, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len())).unwrap();
    for (at, row) in ROWS.iter().enumerate() {
        let cells = columns.iter().map(|sites| {
            let here: Vec<(&str, bool)> = sites.iter().map(|(which, cells)| (*which, cells[at])).collect();
            cell(&here)
        });
        writeln!(text, "| {row} | {} |", cells.collect::<Vec<_>>().join(" | ")).unwrap();
    }
    text.push_str(
        "\nWhoever knows nothing but the portal of a Cloud site has no account at Atlassian, and cannot sign in by one; their own site can let them in ([customer-sign-in.md](customer-sign-in.md)), where Jira tells Steward whose an e-mail address is: it tells apps only what people show to everybody. How each kind is joined: [Forge](install-forge.md), [token](install-token.md), \
         [Data Center](install-data-center.md), [Connect](connect.md).\n",
    );
    compare("docs/hosts.md", &text);
}
