//! People by the names that a demo gives them, and as the pages show them.

use minijinja::{Value, context};

use crate::state::{
    Store,
    model::{Account, AccountType, ROLE_TEAM},
};

/// A person on a page.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) avatar: String,
}

impl From<Person> for Value {
    fn from(person: Person) -> Self {
        context! { id => person.id, name => person.name, avatar => person.avatar }
    }
}

impl Person {
    pub(crate) fn of(store: &Store, id: &str) -> Self {
        Self { id: id.to_owned(), name: store.display_name(id), avatar: format!("/avatars/user/{id}") }
    }
}

/// An account id by itself, by e-mail address, on a Data Center by name, or by a role's name: `admin`, `agent` or `customer`
/// is the first person of the site who is that.
pub(crate) fn find(store: &Store, who: &str) -> Option<String> {
    let works = |id: &str| store.projects.values().any(|project| store.holds_role(project, ROLE_TEAM, id));
    let people = || store.accounts.values().filter(|a| a.active && a.account_type != AccountType::App);
    let found = match who {
        "admin" => people().find(|a| store.is_site_admin(&a.account_id)),
        "agent" => people().find(|a| !store.is_site_admin(&a.account_id) && works(&a.account_id)),
        "customer" => people().find(|a| a.account_type == AccountType::Customer),
        id => store
            .account(id)
            .or_else(|| store.account_by_email(id))
            .or_else(|| store.by_username(id))
            .filter(|a| a.active && a.account_type != AccountType::App),
    };
    found.map(|account| account.account_id.clone())
}

/// What somebody is here, in a few words.
pub(crate) fn about(store: &Store, account: &Account) -> String {
    let organizations: Vec<&str> = store.organizations_of(&account.account_id).map(|o| o.name.as_str()).collect();
    let desks: Vec<&str> = store
        .projects
        .values()
        .filter(|p| store.holds_role(p, ROLE_TEAM, &account.account_id))
        .map(|p| p.name.as_str())
        .collect();
    if store.is_site_admin(&account.account_id) {
        "Jira administrator".to_owned()
    } else if !desks.is_empty() {
        format!("Agent · {}", desks.join(", "))
    } else if store.is_licensed(&account.account_id) {
        "Jira user".to_owned()
    } else if !organizations.is_empty() {
        format!("Customer · {}", organizations.join(", "))
    } else if account.account_type == AccountType::Atlassian {
        "Colleague without a licence".to_owned()
    } else {
        "Customer".to_owned()
    }
}

/// Whether a person is an agent of any desk.
pub(crate) fn is_agent(store: &Store, id: &str) -> bool {
    store.is_licensed(id) && store.projects.values().any(|project| store.holds_role(project, ROLE_TEAM, id))
}
