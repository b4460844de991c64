//! One project: who administers it, works in it and browses it; and its desk: customers, organizations, request types.

use axum::{
    Form,
    extract::{Path, Query, State as Shared},
    response::Response,
};
use minijinja::{Value as Template, context};

use super::{
    super::{
        forms::{Fields, back, field, genuine},
        not_found,
        people::Person,
        session::Viewer,
    },
    Mistakes, NAME_MAX, Paging, admin, paged,
    people::{self, encoded},
    projects::{HERE, NOT_YOURS},
    shown,
};
use crate::{
    App,
    state::{
        StateError, Store,
        model::{Account, AccountType, Project, ProjectKind, ROLE_ADMINISTRATORS, RoleActor, ServiceDesk},
    },
};

/// Longest description of a request type, in characters.
const ABOUT_MAX: usize = 1000;

pub(super) async fn one(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Query(paging): Query<Paging>,
) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => single(&app, &viewer, &key, &paging, (&Fields::new(), &Mistakes::default())),
        Err(refused) => *refused,
    }
}

fn single(app: &App, viewer: &Viewer, key: &str, paging: &Paging, form: (&Fields, &Mistakes)) -> Response {
    let content = {
        let store = app.state.read();
        store.project(key).map(|project| {
            let desk = store.desk_of(&project.id).map(|desk| desk_of(&store, desk, paging));
            let service = project.kind == ProjectKind::ServiceDesk;
            let roles = vec![
                role(&store, project, ROLE_ADMINISTRATORS, "admins", "Administrators"),
                role(&store, project, project.kind.team(), "team", if service { "Agents" } else { "Members" }),
            ];
            context! {
                title => project.name.as_str(), list => HERE, here => format!("{HERE}/{}", project.key),
                id => project.id.as_str(), key => project.key.as_str(), name => project.name.as_str(), service,
                open => project.open_to_licensed, roles, desk, done => paging.done.as_str(),
            }
        })
    };
    match content {
        Some(content) => shown(app, viewer, "site_project.html", form, content),
        None => not_found(app, viewer, "project"),
    }
}

fn role(store: &Store, project: &Project, id: u64, field: &str, label: &str) -> Template {
    let actors: Vec<Template> = project
        .roles
        .get(&id)
        .into_iter()
        .flatten()
        .map(|actor| match actor {
            RoleActor::User(id) => {
                let href = format!("{}/{}", people::HERE, encoded(id));
                context! { person => Person::of(store, id), href, kind => "user", id => id.as_str() }
            }
            RoleActor::Group(name) => context! { group => name.as_str(), kind => "group", id => name.as_str() },
        })
        .collect();
    context! { field, label, actors }
}

fn desk_of(store: &Store, desk: &ServiceDesk, paging: &Paging) -> Template {
    let mut customers: Vec<&str> = desk.customers.iter().map(String::as_str).collect();
    customers.sort_by_key(|id| store.display_name(id).to_lowercase());
    let (customers, pages) = paged(customers, paging.page);
    let customers: Vec<Template> = customers
        .into_iter()
        .map(|id| {
            let href = format!("{}/{}", people::HERE, encoded(id));
            let email = store.account(id).map(|account| account.email.clone());
            context! { person => Person::of(store, id), href, email }
        })
        .collect();
    let (own, others): (Vec<_>, Vec<_>) =
        store.organizations.values().partition(|organization| desk.organizations.contains(&organization.id));
    let own: Vec<Template> = own
        .into_iter()
        .map(|one| context! { id => one.id.as_str(), name => one.name.as_str(), size => one.members.len() })
        .collect();
    let types: Vec<Template> = store
        .request_types
        .values()
        .filter(|one| one.service_desk_id == desk.id)
        .map(|one| context! { id => one.id.as_str(), name => one.name.as_str(), about => one.description.as_str() })
        .collect();
    context! {
        id => desk.id.as_str(), open => desk.open_access, customers, pages, organizations => own, types,
        others => others.iter().map(|one| vec![one.id.clone(), one.name.clone()]).collect::<Vec<_>>(),
    }
}

/// Whoever is meant by an account id, an address, a name to sign in, or the name shown if it is one person's alone.
fn meant<'s>(store: &'s Store, who: &str) -> Result<&'s Account, StateError> {
    if who.is_empty() {
        return Err(StateError::Invalid("The person is missing.".to_owned()));
    }
    let exactly = store.account(who).or_else(|| store.account_by_email(who)).or_else(|| store.by_username(who));
    let mut named = store.accounts.values().filter(|account| account.display_name.eq_ignore_ascii_case(who));
    let found = match (exactly, named.next(), named.next()) {
        (Some(account), _, _) | (None, Some(account), None) => Some(account),
        (None, Some(_), Some(_)) => {
            return Err(StateError::Invalid("Several people are called that: give the e-mail address.".to_owned()));
        }
        (None, None, _) => None,
    };
    let found = found.filter(|account| account.account_type != AccountType::App);
    found.ok_or_else(|| StateError::Invalid("Nobody here has that e-mail address, account id or name.".to_owned()))
}

/// One form of a project's page, by what its button says.
pub(super) async fn act(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let found = {
        let store = app.state.read();
        store.project(&key).map(|project| {
            let desk = store.desk_of(&project.id).map(|desk| desk.id.clone());
            (project.id.clone(), project.key.clone(), project.kind.team(), desk)
        })
    };
    let Some((project, key, team, desk)) = found else { return not_found(&app, &viewer, "project") };
    let mut mistakes = Mistakes::default();
    let act = field(&fields, "act");
    let (at, acted) = match (act, &desk) {
        ("admins" | "team", _) => {
            let role = if act == "admins" { ROLE_ADMINISTRATORS } else { team };
            let at = if act == "admins" { "admins" } else { "team" };
            (at, give(&app, &project, role, field(&fields, at)))
        }
        ("admins-off" | "team-off", _) => {
            let role = if act == "admins-off" { ROLE_ADMINISTRATORS } else { team };
            let id = field(&fields, "id").to_owned();
            let actor = if field(&fields, "kind") == "group" { RoleActor::Group(id) } else { RoleActor::User(id) };
            ("admins", app.state.remove_role(&project, role, &actor))
        }
        ("open" | "shut", _) => ("browse", app.state.open_project(&project, act == "open")),
        (_, Some(desk)) => at_desk(&app, desk, act, &fields, &mut mistakes),
        (_, None) => return back(&format!("{HERE}/{key}")),
    };
    if let Err(error) = acted {
        mistakes.refused(at, error);
    }
    if mistakes.none() {
        back(&format!("{HERE}/{key}?done=saved"))
    } else {
        single(&app, &viewer, &key, &Paging::default(), (&fields, &mistakes))
    }
}

/// Gives a role to the group of that name, else to the person who is meant.
fn give(app: &App, project: &str, role: u64, who: &str) -> Result<(), StateError> {
    let actor = {
        let store = app.state.read();
        match store.groups.get(who) {
            Some(group) => RoleActor::Group(group.name.clone()),
            None => RoleActor::User(meant(&store, who)?.account_id.clone()),
        }
    };
    app.state.add_role(project, role, actor)
}

fn at_desk(
    app: &App,
    desk: &str,
    act: &str,
    fields: &Fields,
    mistakes: &mut Mistakes,
) -> (&'static str, Result<(), StateError>) {
    match act {
        "anybody" | "customers-only" => ("access", app.state.open_desk(desk, act == "anybody")),
        "customer" => {
            let id = meant(&app.state.read(), field(fields, "customer")).map(|account| account.account_id.clone());
            ("customer", id.and_then(|id| app.state.change_desk_customers(desk, &[id], &[])))
        }
        "customer-off" => {
            let gone = vec![field(fields, "id").to_owned()];
            ("customer", app.state.change_desk_customers(desk, &[], &gone))
        }
        "organization" | "organization-off" => {
            let id = field(fields, "organization");
            let known = app.state.read().organizations.contains_key(id);
            let none = || StateError::Invalid("There is no such organization.".to_owned());
            let changed = known.then_some(()).ok_or_else(none);
            let uses = act == "organization";
            ("organization", changed.and_then(|()| app.state.change_desk_organization(desk, id, uses)))
        }
        "type" => {
            let name = mistakes.text(fields, "type-name", "name", NAME_MAX);
            let about = field(fields, "type-about");
            let length = about.chars().count();
            if length > ABOUT_MAX {
                mistakes
                    .add("type-about", format!("The description may have {ABOUT_MAX} characters; this has {length}."));
            }
            let made = if mistakes.none() { app.state.create_request_type(desk, &name, about) } else { Ok(()) };
            ("type-name", made)
        }
        _ => ("access", Err(StateError::Invalid("There is no such button.".to_owned()))),
    }
}
