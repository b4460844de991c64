//! What the customer portal shows beside a person's own fields: their site, and their own requests as Jira has them now.
//!
//! It is about whoever asks, and never about anybody else. Nothing that Jira says here is kept.

use host::client::{OwnRequests, ServerInfo};
use host::{As, Jira};
use kernel::{Cx, Fault, Result};
use url::Url;

use crate::Room;

/// The longest that a place in a list may be: Jira's own tokens, which are some hundred letters.
const CURSOR_CHARS: usize = 2_000;

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

/// A page of what the person who asks reported or takes part in.
pub(crate) async fn own_requests(cx: &Cx, room: &Room, cursor: Option<&str>) -> Result<OwnRequests> {
    let Some(person) = cx.person() else {
        return Err(Fault::refused("This is for people; an API token cannot do it."));
    };
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
