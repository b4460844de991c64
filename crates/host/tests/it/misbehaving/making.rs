//! What Jira makes and would make twice: a writer who goes by what each fault says is left with one of each.

use std::time::Duration;

use host::client::{ANSWER_LOST, NewRequest, RequestTypeId, ServiceDeskId};
use host::markup::Document;
use host::{Jira, Personal};
use kernel::{AccountId, Clock, ProjectId, Result};

use super::places::Place;
use super::{Shard, TRIES};

/// How somebody asks for a request that the desk takes with a summary and a description alone.
struct Form {
    desk: ServiceDeskId,
    project: ProjectId,
    kind: RequestTypeId,
    customer: AccountId,
    description: Document,
}

impl Form {
    fn filled<'a>(&'a self, summary: &'a str) -> NewRequest<'a> {
        let description = Some(&self.description);
        NewRequest { desk: &self.desk, kind: &self.kind, customer: &self.customer, summary, description }
    }
}

async fn has_organization(app: Jira<'_>, name: &str) -> Result<bool> {
    let mut start = Some(0);
    while let Some(from) = start {
        let page = app.organizations(None, from).await?;
        if page.items.iter().any(|organization| organization.name.peek() == name) {
            return Ok(true);
        }
        start = page.next;
    }
    Ok(false)
}

impl Shard {
    fn form(&self) -> Form {
        let (_, key, _) = self.world.some_request();
        let state = self.world.jira.state();
        let store = state.read();
        let desk = store.desk_of(&store.issue(&key).unwrap().project_id).unwrap();
        let filled = |id: &str| ["summary", "description"].contains(&id);
        let kind = store.request_types.values().find(|kind| {
            let fields = || kind.fields.iter();
            kind.service_desk_id == desk.id
                && fields().any(|field| field.field_id == "description")
                && fields().all(|field| !field.required || filled(&field.field_id))
        });
        let customer = store.accounts.values().find(|account| {
            account.account_type.as_str() == "customer" && store.is_desk_customer(desk, &account.account_id)
        });
        Form {
            desk: ServiceDeskId::new(desk.id.clone()).unwrap(),
            project: ProjectId::new(desk.project_id.clone()).unwrap(),
            kind: RequestTypeId::new(kind.unwrap().id.clone()).unwrap(),
            customer: AccountId::new(customer.unwrap().account_id.clone()).unwrap(),
            description: Document::from_text("Since this morning."),
        }
    }

    /// Asks for something until it is made, and looks for it first wherever it may be there.
    async fn once(
        &mut self,
        text: &str,
        make: impl AsyncFn(Jira<'_>) -> Result<()>,
        is_there: impl AsyncFn(Jira<'_>) -> Result<bool>,
    ) {
        for _ in 0..TRIES {
            let before = self.carried_out(text);
            let cx = self.cx().await;
            let answer = make(self.app(&cx)).await;
            let made = self.carried_out(text) - before;
            match answer {
                Ok(()) => {
                    assert_eq!(made, 1, "an acknowledgement is a thing made");
                    return;
                }
                Err(fault) if fault.code() == ANSWER_LOST => {
                    assert!(made <= 1, "one call made {made}");
                    if self.until_answered(&is_there).await {
                        self.tally.made_unheard += 1;
                        return;
                    }
                    assert_eq!(made, 0, "made, and not found");
                    self.come_back(&fault).await;
                }
                // Any other fault says that nothing was made.
                Err(fault) => {
                    assert_eq!(made, 0, "{}, and yet made", fault.code());
                    self.come_back(&fault).await;
                }
            }
        }
        panic!("Jira never makes it");
    }

    /// An organization, where the app may make one, and, where people are called by the ids that the company's own store has, a request.
    pub(super) async fn makes(&mut self, seed: u64) {
        if self.place != Place::Connect {
            let name = format!("organization {seed}.");
            let new = Personal::from(name.clone());
            let make = async |app: Jira<'_>| app.create_organization(&new).await.map(drop);
            self.once(&name, make, async |app: Jira<'_>| has_organization(app, &name).await).await;
            let state = self.world.jira.state();
            let made = state.read().organizations.values().filter(|organization| organization.name == name).count();
            assert_eq!(made, 1, "{name}");
        }
        if self.place != Place::DataCenter {
            let (form, summary) = (self.form(), format!("request {seed}."));
            let since = Clock::now(&*self.time) - Duration::from_secs(60);
            let make = async |app: Jira<'_>| app.raise_request(&form.filled(&summary)).await.map(drop);
            let is_there = async |app: Jira<'_>| {
                app.raised_since(&form.filled(&summary), &form.project, since).await.map(|found| found.is_some())
            };
            self.once(&summary, make, is_there).await;
            let state = self.world.jira.state();
            let raised = state.read().issues.values().filter(|issue| issue.summary == summary).count();
            assert_eq!(raised, 1, "{summary}");
        }
    }
}
