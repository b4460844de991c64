//! What the customer portal shows beside a person's own fields: their site, their own requests as Jira has them now, and what is
//! shared with them of the organizations that they belong to.
//!
//! It is about whoever asks, and never about anybody else. Nothing that Jira says here is kept.

use std::collections::{BTreeMap, BTreeSet};

use host::client::{OwnRequests, ServerInfo};
use host::{As, Jira};
use kernel::{AccountId, Cx, Fault, OrganizationId, Result};
use url::Url;
use vault::Open;

use crate::Room;
use crate::actions::fields::{self, OpenField};
use crate::actions::person::account_of;
use crate::actions::reach::Reach;
use crate::actions::sections::{self, OpenSection};
use crate::actions::turned::Turned;
use crate::actions::values::{self, OpenValue};
use crate::actions::{access, directory};
use crate::model::{FieldId, FieldType, Owner, SectionId};
use crate::{rules, sql};

/// The longest that a place in a list may be: Jira's own tokens, which are some hundred letters.
const CURSOR_CHARS: usize = 2_000;
/// Organizations of one page, each with all that is shared of it: a page within Jira is answered with 500 KB at most.
const ORGANIZATIONS_AT_ONCE: usize = 20;

/// The site that the portal belongs to.
pub(crate) struct Portal {
    /// What Jira says of it.
    pub(crate) site: ServerInfo,
    /// Where Jira's own portals are.
    pub(crate) home: Option<Url>,
}

fn jira<'a>(cx: &'a Cx, room: &'a Room) -> Jira<'a> {
    // Steward's account: portal customers have no other way to Jira's API, and what is answered is only what is the person's own.
    Jira::for_tenant(&room.shared.host.cloud, cx, As::App)
}

/// The site.
pub(crate) async fn read_portal(cx: &Cx, room: &Room) -> Result<Portal> {
    let jira = jira(cx, room);
    Ok(Portal { site: jira.server_info().await?, home: jira.portal_home().await? })
}

fn person(cx: &Cx) -> Result<&AccountId> {
    cx.person().ok_or_else(|| Fault::refused("This is for people; an API token cannot do it."))
}

/// A page of what the person who asks reported or takes part in.
pub(crate) async fn own_requests(cx: &Cx, room: &Room, cursor: Option<&str>) -> Result<OwnRequests> {
    let person = person(cx)?;
    if cursor.is_some_and(|cursor| cursor.is_empty() || cursor.len() > CURSOR_CHARS) {
        return Err(bad_cursor());
    }
    let projects = room.shared.host.callers.service_projects(cx).await?;
    let found = jira(cx, room).own_requests(person, &projects, cursor).await;
    // The query is ours, so what Jira does not take is the place.
    found.map_err(|fault| match (cursor, fault.kind()) {
        (Some(_), kernel::Kind::Invalid) => bad_cursor(),
        _ => fault,
    })
}

fn bad_cursor() -> Fault {
    Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered, or begin the list anew.")
}

/// An organization of the person who asks.
pub(crate) struct OwnOrganization {
    pub(crate) id: OrganizationId,
    pub(crate) name: Open<String>,
    pub(crate) values: Vec<OpenValue>,
}

/// A page of the organizations of the person who asks.
#[derive(Default)]
pub(crate) struct OwnOrganizations {
    pub(crate) items: Vec<OwnOrganization>,
    pub(crate) next: Option<OrganizationId>,
    /// The fields that are shared with members, in their order.
    pub(crate) fields: Vec<OpenField>,
    pub(crate) sections: Vec<OpenSection>,
}

impl OwnOrganizations {
    /// Those whom its values name.
    pub(crate) fn people(&self) -> Vec<AccountId> {
        let of_people = self.fields.iter().filter(|field| field.kind == FieldType::User);
        let of_people: BTreeSet<FieldId> = of_people.map(|field| field.id).collect();
        let values = self.items.iter().flat_map(|organization| &organization.values);
        values
            .filter(|value| of_people.contains(&value.field))
            .filter_map(|value| account_of(value.value.peek()))
            .collect()
    }
}

/// A page of the organizations of the person who asks, by name, with what is shared with their members. Which those are, Jira says
/// each time, or the directory where Jira does not tell: nobody names one.
pub(crate) async fn own_organizations(cx: &Cx, room: &Room, cursor: Option<&str>) -> Result<OwnOrganizations> {
    let person = person(cx)?;
    let mut theirs = directory::organizations_of(cx, room, person).await?;
    theirs.sort_by_cached_key(|(id, name)| (rules::name_key(name.peek()), id.clone()));
    let from = match cursor {
        None => 0,
        Some(cursor) => 1 + theirs.iter().position(|(id, _)| id.as_str() == cursor).ok_or_else(bad_cursor)?,
    };
    let more = theirs.len().saturating_sub(from) > ORGANIZATIONS_AT_ONCE;
    let page: Vec<_> = theirs.into_iter().skip(from).take(ORGANIZATIONS_AT_ONCE).collect();
    if page.is_empty() {
        return Ok(OwnOrganizations::default());
    }
    let reach = Reach::member(cx, room, person).await?;
    let fields: Vec<OpenField> = fields::all(cx, room).await?.into_iter().filter(|field| reach.sees(field)).collect();
    let of_fields: BTreeSet<SectionId> = fields.iter().filter_map(|field| field.section).collect();
    let sections = sections::all(cx, room).await?.into_iter();
    let sections = sections.filter(|section| of_fields.contains(&section.id)).collect();
    let next = page.last().map(|(id, _)| id.clone()).filter(|_| more);
    let mut values = shared_values(cx, room, &page, &fields).await?;
    let items = page.into_iter().map(|(id, name)| {
        let values = values.remove(id.as_str()).unwrap_or_default();
        OwnOrganization { id, name, values }
    });
    Ok(OwnOrganizations { items: items.collect(), next, fields, sections })
}

/// What these organizations have in these fields, by their ids; empty values left out.
async fn shared_values(
    cx: &Cx,
    room: &Room,
    organizations: &[(OrganizationId, Open<String>)],
    fields: &[OpenField],
) -> Result<BTreeMap<String, Vec<OpenValue>>> {
    let shared: BTreeSet<FieldId> = fields.iter().map(|field| field.id).collect();
    let owners: Vec<Owner> = organizations.iter().map(|(id, _)| Owner::Organization(id.clone())).collect();
    let (keys, turned) = (access::tenant_keys(cx, room).await?, Turned::of(fields));
    let sealed = sql::value_list_of(&mut room.shared.store.read(cx).await?, &owners).await?;
    let mut found: BTreeMap<String, Vec<OpenValue>> = BTreeMap::new();
    for (id, sealed) in sealed.into_iter().filter(|(_, sealed)| shared.contains(&sealed.field)) {
        let owner = Owner::Organization(OrganizationId::new(id.as_str())?);
        let value = turned.value(values::open_value(&keys, &owner, sealed)?);
        if !value.value.peek().is_empty() {
            found.entry(id).or_default().push(value);
        }
    }
    Ok(found)
}
