//! What stands beside an issue: its people, the fields that apply, the values of the one who is looked at.

use std::collections::BTreeSet;

use futures::FutureExt;
use host::client::IssueRef;
use host::{As, Jira, RequestCounts};
use kernel::{AccountId, Cx, Fault, IssueId, Kind, OrganizationId, ProjectId, Result};
use serde::Serialize;
use utoipa::ToSchema;
use vault::Open;

use crate::Room;
use crate::actions::access;
use crate::actions::directory::{self, CustomerRecord};
use crate::actions::entitlements::{self, OpenEntitlement, Products};
use crate::actions::fields::{self, OpenField};
use crate::actions::sections::{self, OpenSection};
use crate::actions::values::{self, ValueSet};
use crate::model::{Owner, Permission};
use crate::{rules, sql};

/// Organizations shown beside one person, each with its values and two counts of Jira's; of more it is said how many.
const ORGANIZATIONS_SHOWN: usize = 20;
/// People of an issue who can be chosen from: what a list to choose from shows well. Of more it is said how many.
const PEOPLE_SHOWN: usize = 200;
/// People of an issue who are read and counted, fifty at a time: twenty calls, which take Jira some seconds.
const PEOPLE_READ: usize = 1_000;

/// What somebody is to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PersonRole {
    /// Asked.
    Reporter,
    /// Takes part.
    Participant,
}

pub(crate) struct IssuePerson {
    pub(crate) account: AccountId,
    pub(crate) roles: Vec<PersonRole>,
}

pub(crate) struct OrganizationPanel {
    pub(crate) id: OrganizationId,
    pub(crate) name: Open<String>,
    pub(crate) counts: Option<RequestCounts>,
    pub(crate) values: ValueSet,
    pub(crate) entitlements: Vec<OpenEntitlement>,
}

pub(crate) struct Selected {
    pub(crate) customer: CustomerRecord,
    /// Whom the issue names, where they were merged into this customer.
    pub(crate) merged: Option<AccountId>,
    pub(crate) counts: Option<RequestCounts>,
    pub(crate) time_zone: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) values: ValueSet,
    pub(crate) organizations: Vec<OrganizationPanel>,
    /// How many more there are.
    pub(crate) more_organizations: usize,
}

/// The issue, as far as the panel says it.
pub(crate) struct PanelIssue {
    pub(crate) id: IssueId,
    pub(crate) key: String,
    pub(crate) project: ProjectId,
}

pub(crate) struct Panel {
    pub(crate) issue: PanelIssue,
    pub(crate) people: Vec<IssuePerson>,
    /// How many more there are.
    pub(crate) more_people: usize,
    pub(crate) sections: Vec<OpenSection>,
    pub(crate) fields: Vec<OpenField>,
    pub(crate) selected: Option<Selected>,
    /// Those that entitlements name.
    pub(crate) products: Products,
    pub(crate) permissions: BTreeSet<Permission>,
}

/// Reads the panel of an issue that the caller can see in Jira.
pub(crate) async fn read_panel(cx: &Cx, room: &Room, issue: &str, person: Option<AccountId>) -> Result<Panel> {
    access::require(cx, room, Permission::Browse).await?;
    let permissions = access::permissions(cx, room).await?;
    let viewer = cx.person().cloned().ok_or_else(Fault::not_found)?;
    // Jira itself says whether the viewer may see the issue: it is asked as them.
    let (issue, people) = read_issue(cx, room, viewer, issue).await?;
    let chosen = match person {
        Some(account) if people.iter().any(|person| person.account == account) => Some(account),
        Some(_) => return Err(Fault::not_found()),
        None => people.first().map(|person| person.account.clone()),
    };
    let (people, more_people) = shown(people, chosen.as_ref());
    let fields: Vec<OpenField> = fields::all(cx, room)
        .await?
        .into_iter()
        .filter(|field| {
            !field.retired && rules::applies_to_project(&field.body.peek().projects, issue.project.as_str())
        })
        .collect();
    let mut selected = match chosen {
        None => None,
        Some(account) => Some(read_selected(cx, room, account).await?),
    };
    if let Some(selected) = &mut selected {
        // A field that is limited to other projects is not of this panel, and neither is its value.
        let shown: BTreeSet<_> = fields.iter().map(|field| field.id).collect();
        selected.values.values.retain(|value| shown.contains(&value.field));
        for organization in &mut selected.organizations {
            organization.values.values.retain(|value| shown.contains(&value.field));
        }
    }
    let products = entitlements::products_by_id(cx, room).await?;
    let sections = sections::all(cx, room).await?;
    Ok(Panel { people, more_people, sections, fields, selected, products, permissions, issue })
}

/// The people who are shown, whoever is looked at among them, and how many more there are.
fn shown(people: Vec<IssuePerson>, chosen: Option<&AccountId>) -> (Vec<IssuePerson>, usize) {
    let all = people.len();
    let is_shown = |(place, person): &(usize, IssuePerson)| *place < PEOPLE_SHOWN || chosen == Some(&person.account);
    let shown: Vec<IssuePerson> = people.into_iter().enumerate().filter(is_shown).map(|(_, person)| person).collect();
    let more = all - shown.len();
    (shown, more)
}

/// The issue and its people, read as the viewer: Jira itself says whether they may see it.
async fn read_issue(cx: &Cx, room: &Room, viewer: AccountId, issue: &str) -> Result<(PanelIssue, Vec<IssuePerson>)> {
    let named = IssueRef::parse(issue).map_err(|_| Fault::not_found())?;
    let jira = Jira::for_tenant(&room.shared.host.cloud, cx, As::Person(viewer));
    let read = jira.issue(&named).await.map_err(|fault| match fault.kind() {
        // Jira says "may not see" in several ways; all of them are "not there".
        Kind::Refused | Kind::NotFound => Fault::not_found(),
        _ => fault,
    })?;
    let mut people = Vec::new();
    if let Some(reporter) = read.fields.reporter {
        people.push(IssuePerson { account: reporter.account_id, roles: vec![PersonRole::Reporter] });
    }
    let mut participants = Vec::new();
    let mut start = Some(0);
    while let Some(from) = start.filter(|_| participants.len() < PEOPLE_READ) {
        match jira.participants(&named, from).await {
            Ok(page) => {
                participants.extend(page.items);
                start = page.next;
            }
            // An issue that is no request (a bug of a software project) has a reporter and no participants.
            Err(fault) if matches!(fault.kind(), Kind::NotFound | Kind::Refused | Kind::Invalid) => break,
            Err(fault) => return Err(fault),
        }
    }
    for participant in participants {
        match people.iter_mut().find(|person| person.account == participant.account_id) {
            Some(person) => person.roles.push(PersonRole::Participant),
            None => people.push(IssuePerson { account: participant.account_id, roles: vec![PersonRole::Participant] }),
        }
    }
    let project = read.fields.project.ok_or_else(Fault::not_found)?.id;
    Ok((PanelIssue { id: read.id, key: read.key.as_str().to_owned(), project }, people))
}

/// A person of the issue. Of one who was merged, what is kept: that is where their fields are.
async fn read_selected(cx: &Cx, room: &Room, account: AccountId) -> Result<Selected> {
    let kept = sql::merged_into(&mut room.shared.store.read(cx).await?, &account).await?;
    let (account, merged) = match kept {
        Some(kept) => (kept, Some(account)),
        None => (account, None),
    };
    let mut customer = directory::record(cx, room, &account).await?;
    // Lists of customers tell no language: of whoever is looked at, Jira is asked.
    if let Some(name) = customer.name.take() {
        customer.name = Some(room.shared.host.people.whole(cx, &account, name).await?);
    }
    let mut theirs = directory::organizations_of(cx, room, &account).await?;
    let more_organizations = theirs.len().saturating_sub(ORGANIZATIONS_SHOWN);
    theirs.truncate(ORGANIZATIONS_SHOWN);
    let mut owners = vec![Owner::Customer(account.clone())];
    owners.extend(theirs.iter().map(|(id, _)| Owner::Organization(id.clone())));
    // While Jira counts, what lies here is read; the panel is useful without counts.
    let (counts, held) =
        futures::join!(directory::counts_of(cx, room, &owners).boxed(), held(cx, room, &account, theirs).boxed());
    let (values, mut organizations) = held?;
    let mut counts = counts.into_iter();
    let own_counts = counts.next().flatten();
    for (organization, counts) in organizations.iter_mut().zip(counts) {
        organization.counts = counts;
    }
    let known = customer.name.as_ref().map(Open::peek);
    Ok(Selected {
        time_zone: known.and_then(|name| name.time_zone.clone()),
        locale: known.and_then(|name| name.locale.clone()),
        counts: own_counts,
        values,
        organizations,
        more_organizations,
        customer,
        merged,
    })
}

/// Their values, and those of their organizations, without counts.
async fn held(
    cx: &Cx,
    room: &Room,
    account: &AccountId,
    theirs: Vec<(OrganizationId, Open<String>)>,
) -> Result<(ValueSet, Vec<OrganizationPanel>)> {
    let values = values::read_values(cx, room, &Owner::Customer(account.clone())).await?;
    let mut organizations = Vec::with_capacity(theirs.len());
    for (id, name) in theirs {
        let owner = Owner::Organization(id.clone());
        organizations.push(OrganizationPanel {
            values: values::read_values(cx, room, &owner).await?,
            entitlements: entitlements::standing(cx, room, &id).await?,
            counts: None,
            id,
            name,
        });
    }
    Ok((values, organizations))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn whoever_is_looked_at_is_shown_and_the_rest_is_counted() {
        let person = |place: usize| IssuePerson {
            account: AccountId::new(format!("cu:{place}")).unwrap(),
            roles: vec![PersonRole::Participant],
        };
        for (all, chosen, expected) in [
            (0, None, (0, 0)),
            (PEOPLE_SHOWN, Some(0), (PEOPLE_SHOWN, 0)),
            (PEOPLE_SHOWN + 3, Some(PEOPLE_SHOWN - 1), (PEOPLE_SHOWN, 3)),
            (PEOPLE_SHOWN + 3, Some(PEOPLE_SHOWN + 1), (PEOPLE_SHOWN + 1, 2)),
        ] {
            let chosen = chosen.map(|place| person(place).account);
            let (people, more) = shown((0..all).map(person).collect(), chosen.as_ref());
            assert_eq!((people.len(), more), expected);
            assert!(chosen.is_none_or(|account| people.iter().any(|person| person.account == account)));
        }
    }
}
