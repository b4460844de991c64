//! How a world's site is joined: each kind once, so that what must hold for all is tried on all.
//!
//! Where an operator joined it, people sign in on our own pages; whoever acts does so once, and goes on with that session.

use std::collections::BTreeMap;
use std::sync::Arc;

use host::client::{As, Jira};
use sandbox::events::Actor as Somebody;
use sandbox::state::model::{Account, AccountType, ROLE_TEAM};
use sandbox::{DataCenter, Deployment, OauthClient, Version};
use tokio::sync::Mutex;

use super::{Answer, World, site, site_with};
use crate::databases::Database;
use crate::site::{Browser, joins_at, signs_in_through_at};

/// A kind of site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    Forge,
    Connect,
    CloudToken,
    DataCenter,
}

/// What a browser has after signing in.
#[derive(Clone)]
pub(crate) struct Session {
    /// The header `Cookie`.
    pub(crate) cookie: String,
    pub(crate) csrf: String,
    /// What Steward calls whoever it is.
    pub(crate) account: String,
}

/// By the site's address and the account there.
pub(super) type Sessions = Mutex<BTreeMap<(String, String), Arc<Mutex<Option<Session>>>>>;

impl World {
    /// A world whose site is joined in this way.
    pub(crate) async fn joined_by(joined: Joined, databases: Vec<Database>) -> Self {
        match joined {
            Joined::Forge => Box::pin(Self::on(databases)).await,
            Joined::Connect => {
                let world = Box::pin(Self::unjoined(databases)).await;
                Box::pin(world.connect()).await;
                world
            }
            Joined::CloudToken => Box::pin(async { Self::unjoined(databases).await.operated().await }).await,
            Joined::DataCenter => {
                Box::pin(async { Self::data_center(databases, Version::default()).await.operated().await }).await
            }
        }
    }

    /// The same on PostgreSQL, if there is one.
    pub(crate) async fn joined_on_postgres(joined: Joined) -> Option<Self> {
        let databases = vec![Database::postgres().await?, Database::postgres().await?];
        Some(Self::joined_by(joined, databases).await)
    }

    async fn operated(mut self) -> Self {
        if self.jira.data_center().is_none() {
            self.account_holders = self.opens_accounts();
        }
        joins_at(&self, &self.jira).await;
        signs_in_through_at(&self, &self.jira).await;
        self
    }

    /// Whoever knows only the portal cannot sign in at Atlassian. Two customers of the agent's desk have an account there from now on, as some
    /// have, and no licence.
    fn opens_accounts(&self) -> Vec<String> {
        let named = |who: &str| self.jira.visitor(who).unwrap().account_id;
        let (agent, first, state) = (named("agent"), named("customer"), self.jira.state());
        let mut found: Vec<String> = Vec::new();
        {
            let store = state.read();
            for issue in store.issues.values() {
                let Some(reporter) = issue.reporter.as_deref().and_then(|reporter| store.account(reporter)) else {
                    continue;
                };
                let of_desk = store.project(&issue.project_id).is_some_and(|p| store.holds_role(p, ROLE_TEAM, &agent));
                let portal_only = reporter.active && reporter.account_type == AccountType::Customer;
                if of_desk && portal_only && reporter.account_id != first && !found.contains(&reporter.account_id) {
                    found.push(reporter.account_id.clone());
                }
            }
        }
        found.truncate(2);
        assert_eq!(found.len(), 2, "the demo has other customers of the desk");
        for account in &found {
            let opens = |one: &mut Account| one.account_type = AccountType::Atlassian;
            state.edit_account(&Somebody::default(), account, opens).unwrap();
        }
        found
    }

    /// Another site of the same server, with the same people in it, as another tenant: of the same kind, where there can be two. People of all Cloud sites
    /// sign in at one Atlassian, and a sandbox is that for itself alone: beside a Cloud site by token there is a Data Center.
    pub(crate) async fn neighbour(&mut self, joined: Joined) -> sandbox::Running {
        const CLOUD: &str = "22222222-2222-4222-8222-222222222222";
        if joined == Joined::Forge || joined == Joined::Connect {
            let second = site(&self.clock, CLOUD, Some(&self.jira)).await;
            self.admit(&second).await;
            if joined == Joined::Forge {
                self.join(&second).await;
            } else {
                self.connect_at(&second).await;
            }
            return second;
        }
        let client = OauthClient {
            id: "steward-client".to_owned(),
            secret: "steward-secret".to_owned(),
            callback: self.config.server.origin.join("sign-in/callback").unwrap().into(),
        };
        let server = Deployment::DataCenter(DataCenter { version: Version::default(), rate_limit: None });
        let second = site_with(&self.clock, CLOUD, None, vec![client], (server, "")).await;
        joins_at(self, &second).await;
        signs_in_through_at(self, &second).await;
        second
    }

    /// The tenant of a site that an operator joined.
    pub(crate) async fn tenant_at(&self, jira: &sandbox::Running) -> kernel::TenantId {
        let all = store::tenants::list::<host::Site>(&self.program.store, kernel::TenantId::SERVER, 10).await.unwrap();
        for tenant in all {
            if let Ok(known) = self.program.host().sites.of(tenant.id).await
                && known.site.api_base.as_str().starts_with(&jira.url())
            {
                return tenant.id;
            }
        }
        panic!("nobody joined this site")
    }

    /// The session of somebody on our own pages; signs them in where there is none yet.
    pub(crate) async fn session(&self, jira: &sandbox::Running, who: &str) -> Session {
        let key = (jira.url(), jira.visitor(who).unwrap().account_id);
        let place = self.sessions.lock().await.entry(key).or_default().clone();
        let mut kept = place.lock().await;
        if let Some(session) = &*kept {
            return session.clone();
        }
        let mut browser = Browser::at(self, jira, who);
        let site = self.tenant_at(jira).await.to_string();
        let csrf = Box::pin(browser.signs_in(&site)).await;
        let me: Answer = Box::pin(browser.goes("/api/v1/me")).await.expect(200);
        let account = me.body["accountId"].as_str().unwrap().to_owned();
        let session = Session { cookie: browser.cookies(), csrf, account };
        *kept = Some(session.clone());
        session
    }

    /// They signed out.
    pub(crate) async fn forget_session(&self, jira: &sandbox::Running, who: &str) {
        let key = (jira.url(), jira.visitor(who).unwrap().account_id);
        self.sessions.lock().await.remove(&key);
    }

    /// What Steward calls somebody of the world's site whom Jira knows by this id.
    pub(crate) async fn known_as(&self, account: &str) -> String {
        let email = {
            let state = self.jira.state();
            let store = state.read();
            if store.by_user_key(&store.account(account).unwrap().user_key).is_none() {
                return account.to_owned();
            }
            store.account(account).unwrap().email.clone()
        };
        let cx = self.reader().await;
        let found = Jira::for_tenant(&self.program.host().cloud, &cx, As::App).user_search(&email).await.unwrap();
        assert_eq!(found.len(), 1, "{email} is one person's");
        found[0].account_id.to_string()
    }
}
