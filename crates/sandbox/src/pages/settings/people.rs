//! People: found, added, renamed, shown or hidden, activated and deactivated, in groups, with tokens.

use axum::{
    Form,
    extract::{Path, Query, State as Shared},
    response::Response,
};
use minijinja::{Value as Template, context};
use serde::Deserialize;

use super::{
    super::{
        forms::{Fields, back, field, genuine},
        not_found,
        people::{Person, about},
        session::Viewer,
    },
    Mistakes, NAME_MAX, admin, base, paged, shown,
};
use crate::{
    App,
    state::{
        State, StateError, Store,
        model::{Account, AccountType, RoleActor},
        people::{ADDRESS_MAX, is_address},
    },
};

/// Where the page is.
pub(super) const HERE: &str = "/sandbox/settings/people";
const NOT_YOURS: &str = "You can’t manage people";

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    group: String,
    page: Option<usize>,
}

pub(super) async fn list(Shared(app): Shared<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => listed(&app, &viewer, &asked, (&Fields::new(), &Mistakes::default())),
        Err(refused) => *refused,
    }
}

fn listed(app: &App, viewer: &Viewer, asked: &Asked, form: (&Fields, &Mistakes)) -> Response {
    let words = asked.q.trim().to_lowercase();
    let content = {
        let store = app.state.read();
        let fits = |account: &&Account| {
            account.account_type != AccountType::App
                && (asked.group.is_empty() || store.in_group(&asked.group, &account.account_id))
                && (account.account_id == asked.q.trim()
                    || [&account.display_name, &account.email, &account.username]
                        .iter()
                        .any(|text| text.to_lowercase().contains(&words)))
        };
        let (rows, pages) = paged(store.accounts.values().filter(fits).collect(), asked.page);
        let rows: Vec<Template> = rows
            .into_iter()
            .map(|account| {
                context! {
                    person => Person::of(&store, &account.account_id), about => about(&store, account),
                    href => format!("{HERE}/{}", encoded(&account.account_id)), email => account.email.as_str(),
                    username => account.username.as_str(), active => account.active,
                }
            })
            .collect();
        let works = store.projects.values().map(|project| vec![project.key.clone(), project.name.clone()]);
        let base = base("q", asked.q.trim()) + &base("group", &asked.group);
        context! {
            title => "People", here => HERE, rows, pages, base, q => asked.q.trim(), group => asked.group.as_str(),
            projects => std::iter::once(vec![String::new(), "none yet".to_owned()]).chain(works).collect::<Vec<_>>(),
        }
    };
    shown(app, viewer, "site_people.html", form, content)
}

/// An account id as a part of a path.
pub(super) fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Adds a person: a customer, or a colleague with a licence, who then works in a project if one is named.
pub(super) async fn add(Shared(app): Shared<App>, viewer: Viewer, Form(fields): Form<Fields>) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let mut mistakes = Mistakes::default();
    let name = mistakes.text(&fields, "name", "name", NAME_MAX);
    let email = mistakes.text(&fields, "email", "e-mail address", ADDRESS_MAX);
    if !is_address(&email) {
        mistakes.add("email", "This is no e-mail address.");
    }
    let colleague = field(&fields, "kind") == "agent";
    let key = field(&fields, "project");
    let project = app.state.read().project(key).map(|project| (project.id.clone(), project.kind.team()));
    if !key.is_empty() && project.is_none() {
        mistakes.add("project", "There is no such project.");
    } else if project.is_some() && !colleague {
        mistakes.add("project", "Only agents work in a project. Customers are let in on the project’s page.");
    }
    if !mistakes.none() {
        return listed(&app, &viewer, &Asked::default(), (&fields, &mistakes));
    }
    let actor = viewer.caller.actor();
    let made = match colleague {
        true => app.state.create_colleague(&actor, &email, &name),
        false => app.state.create_customer(&actor, &email, &name),
    };
    let made = made.and_then(|account| {
        if let Some((project, role)) = project {
            app.state.add_role(&project, role, RoleActor::User(account.account_id.clone()))?;
        }
        Ok(account.account_id)
    });
    match made {
        Ok(id) => back(&format!("{HERE}/{}?done=added", encoded(&id))),
        Err(error) => {
            mistakes.refused("email", error);
            listed(&app, &viewer, &Asked::default(), (&fields, &mistakes))
        }
    }
}

#[derive(Deserialize, Default)]
pub(super) struct Done {
    #[serde(default)]
    done: String,
}

pub(super) async fn one(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => single(&app, &viewer, &id, &done.done, (&Fields::new(), &Mistakes::default())),
        Err(refused) => *refused,
    }
}

fn person<'s>(store: &'s Store, id: &str) -> Option<&'s Account> {
    store.account(id).filter(|account| account.account_type != AccountType::App)
}

fn single(app: &App, viewer: &Viewer, id: &str, done: &str, form: (&Fields, &Mistakes)) -> Response {
    let content = {
        let store = app.state.read();
        let account = person(&store, id);
        account.map(|account| {
            let (own, others): (Vec<String>, Vec<String>) =
                store.groups.keys().cloned().partition(|name| store.in_group(name, id));
            let organizations: Vec<String> = store.organizations_of(id).map(|one| one.name.clone()).collect();
            let works: Vec<Vec<String>> = store
                .projects
                .values()
                .filter(|project| store.holds_role(project, project.kind.team(), id))
                .map(|project| vec![project.key.clone(), project.name.clone()])
                .collect();
            context! {
                title => account.display_name.as_str(), person => Person::of(&store, id), about => about(&store, account),
                list => HERE, here => format!("{HERE}/{}", encoded(id)), done,
                name => account.display_name.as_str(), email => account.email.as_str(), id => account.account_id.as_str(),
                visible => account.email_visible, active => account.active, username => account.username.as_str(),
                key => account.user_key.as_str(), colleague => account.account_type == AccountType::Atlassian,
                tokens => tokens(&app.state, &store, account), groups => own, organizations,
                others => others.into_iter().map(|name| vec![name.clone(), name]).collect::<Vec<_>>(), works,
            }
        })
    };
    match content {
        Some(content) => shown(app, viewer, "site_person.html", form, content),
        None => not_found(app, viewer, "person"),
    }
}

/// The tokens of somebody that are good.
fn tokens(state: &State, store: &Store, account: &Account) -> Vec<String> {
    let good = |token: &String| store.names.is_none() || store.token_account(token, state.now()).is_some();
    account.api_tokens.iter().filter(|token| good(token)).cloned().collect()
}

/// One form of a person's page, by what its button says.
pub(super) async fn act(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let before = person(&app.state.read(), &id).cloned();
    let Some(before) = before else { return not_found(&app, &viewer, "person") };
    let mut mistakes = Mistakes::default();
    let actor = viewer.caller.actor();
    let act = field(&fields, "act");
    let (at, acted) = match act {
        "profile" => {
            let name = mistakes.text(&fields, "name", "name", NAME_MAX);
            let visible = !field(&fields, "visible").is_empty();
            let changed = name != before.display_name || visible != before.email_visible;
            let saved = if mistakes.none() && changed {
                app.state.edit_account(&actor, &id, |account| {
                    account.display_name = name;
                    account.email_visible = visible;
                })
            } else {
                Ok(())
            };
            ("name", saved)
        }
        "deactivate" | "activate" => ("active", app.state.set_active(&actor, &id, act == "activate")),
        "join" | "leave" => ("group", app.state.change_group(field(&fields, "group"), &id, act == "join")),
        "token" => ("token", app.state.give_token(&id)),
        _ => return back(HERE),
    };
    if let Err(error) = acted {
        let error = match (at, error) {
            ("group", StateError::NotFound) => StateError::Invalid("There is no such group.".to_owned()),
            (_, error) => error,
        };
        mistakes.refused(at, error);
    }
    if mistakes.none() {
        back(&format!("{HERE}/{}?done={act}", encoded(&id)))
    } else {
        single(&app, &viewer, &id, "", (&fields, &mistakes))
    }
}
