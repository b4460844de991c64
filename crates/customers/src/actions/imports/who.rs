//! Whom a row is about, and whom a cell names: by id, by address, by name. Nobody is guessed: two of one name are refused.
//! Ids are looked up a page at a time; the whole directory is read only where a column goes by addresses or names, and Jira asked of
//! those whom it does not know.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kernel::{AccountId, Cx, OrganizationId, Result};

use super::seeking::Seeker;
use crate::Room;
use crate::actions::batches::owner_of;
use crate::actions::directory::{self, Names, Sorted};
use crate::imports::cells::{Wrong, without_prefix};
use crate::imports::mapping::{Mapping, Target};
use crate::imports::plan::{Newcomer, Refusal};
use crate::model::{Entity, Owner};
use crate::rules::adding::{check_address, check_line};
use crate::rules::{TEXT_CHARS, name_key};

const UNKNOWN_ADDRESS: &str = "Nobody has this address, as far as Jira tells Steward addresses. Use the account id.";
const SEVERAL_ADDRESSED: &str = "Several people have this address. Use the account id.";
/// What is told of whom Jira finds, and does not say that they have the address.
const WITHHELD: &str = "Jira finds somebody by this address, and does not say whose it is. Use the account id.";
/// What is told of whom Jira was not asked about.
const NOT_LOOKED_FOR: &str = "Nobody here is known by this, and Jira was asked for as many as one dry run may. Use the account id, or import this row in another file.";

/// Whom a row is about.
pub(super) enum Whose {
    Known(Owner),
    /// Somebody who is not in Jira yet, as far as the directory knows.
    New(Newcomer),
}

/// Those who are known, by what files call them.
pub(super) struct Who<'a> {
    entity: Entity,
    by_email: HashMap<&'a str, Vec<&'a AccountId>>,
    people: HashMap<String, Vec<&'a str>>,
    organizations: HashMap<String, Vec<&'a str>>,
    /// Who was merged, and into whom.
    merged: Option<&'a HashMap<AccountId, AccountId>>,
}

/// Shorter texts are names: an account's id is 24 characters and more, or has a colon.
fn may_be_account(text: &str) -> Option<AccountId> {
    (text.len() >= 20 || text.contains(':')).then(|| AccountId::new(text).ok()).flatten()
}

impl<'a> Who<'a> {
    /// Without a directory, nobody is known by address or name.
    pub(super) fn of(sorted: Option<&'a Sorted>, entity: Entity) -> Self {
        let mut by_email: HashMap<&str, Vec<&AccountId>> = HashMap::new();
        let mut people: HashMap<String, Vec<&str>> = HashMap::new();
        let mut organizations: HashMap<String, Vec<&str>> = HashMap::new();
        let Some(sorted) = sorted else { return Self { entity, by_email, people, organizations, merged: None } };
        for line in &sorted.customers {
            // The line's searched text is its name, then its address, both in small letters.
            if let Some((_, email)) = line.search.rsplit_once('\n').filter(|(_, email)| !email.is_empty()) {
                by_email.entry(email).or_default().push(&line.id);
            }
            people.entry(name_key(&line.name)).or_default().push(line.id.as_str());
        }
        if entity == Entity::Organization {
            for line in &sorted.organizations {
                organizations.entry(name_key(&line.name)).or_default().push(line.id.as_str());
            }
        }
        Self { entity, by_email, people, organizations, merged: Some(&sorted.merged) }
    }

    /// The addresses that rows go by and nobody here has: Jira may know whose they are.
    pub(super) fn strange_addresses<'c>(
        &self,
        mapping: &Mapping,
        rows: &[&'c [String]],
        seeker: &Seeker<'_>,
    ) -> Vec<&'c str> {
        if self.entity != Entity::Customer {
            return Vec::new();
        }
        let named = rows.iter().copied().filter(|cells| cell(mapping, cells, &Target::Id).is_none());
        let named = named.filter_map(|cells| cell(mapping, cells, &Target::Email));
        let strange = named.filter(|text| self.by_email(text).is_empty() && !seeker.is_being_made(text));
        strange.filter(|text| check_address("/email", text).is_ok()).collect()
    }

    /// Whether a cell of a user field names somebody whom neither an account nor an address here is. Of names Jira is always asked: an
    /// agent may be called as a customer is.
    pub(super) fn is_strange(&self, text: &str, asked: &Names) -> bool {
        let is_known = may_be_account(text).is_some_and(|account| asked.contains_key(&account));
        !is_known && self.by_email(text).is_empty() && !text.is_empty() && text.chars().count() <= TEXT_CHARS
    }

    /// Whom a row is about, and how the file names them. `ids`: those of the page's ids that there are.
    pub(super) fn owner(
        &self,
        mapping: &Mapping,
        cells: &[String],
        ids: &HashSet<String>,
        seeker: &Seeker<'_>,
    ) -> (String, Result<Whose, Refusal>) {
        let named = cell(mapping, cells, &Target::Email).or_else(|| cell(mapping, cells, &Target::Name));
        match (cell(mapping, cells, &Target::Id), named) {
            (Some(id), _) => {
                let known = owner_of(self.entity, id).ok().filter(|_| ids.contains(id));
                let detail = match self.entity {
                    Entity::Customer => "Jira knows no person of this account id.",
                    Entity::Organization => {
                        "There is no organization of this id. One that is new in Jira is known within an hour."
                    }
                };
                (id.to_owned(), known.map(Whose::Known).ok_or_else(|| Refusal::of_row("unknown", detail)))
            }
            (None, Some(text)) if self.entity == Entity::Customer && self.by_email(text).is_empty() => {
                (text.to_owned(), self.sought(mapping, cells, text, seeker))
            }
            (None, Some(text)) => (text.to_owned(), self.by_text(text).map(Whose::Known)),
            (None, None) => (String::new(), Err(Refusal::of_row("required", "The row does not say whom it is about."))),
        }
    }

    /// Whom Jira finds by an address that nobody here has; else somebody new, if people are made.
    fn sought(&self, mapping: &Mapping, cells: &[String], email: &str, seeker: &Seeker<'_>) -> Result<Whose, Refusal> {
        let said = if seeker.is_being_made(email) { None } else { seeker.said(email) };
        let found: Vec<&AccountId> = said.iter().flat_map(|said| &said.addressed).collect();
        let crowded = said.as_ref().is_some_and(|said| said.crowded);
        match *self.meant(&found) {
            [one] if !crowded => Ok(Whose::Known(Owner::Customer(one.clone()))),
            [] if said.as_ref().is_some_and(|said| said.withheld) => Err(Refusal::of_row("address_withheld", WITHHELD)),
            [] if mapping.make.is_some() => newcomer(mapping, cells, email).map(Whose::New),
            [] if said.is_none() && seeker.is_spent() && check_address("/email", email).is_ok() => {
                Err(Refusal::of_row("not_looked_for", NOT_LOOKED_FOR))
            }
            [] => Err(Refusal::of_row("unknown", UNKNOWN_ADDRESS)),
            _ => Err(Refusal::of_row("ambiguous", SEVERAL_ADDRESSED)),
        }
    }

    fn by_text(&self, text: &str) -> Result<Owner, Refusal> {
        let (owners, unknown, ambiguous): (Vec<Owner>, _, _) = match self.entity {
            Entity::Customer => (
                self.meant(self.by_email(text)).into_iter().map(|account| Owner::Customer(account.clone())).collect(),
                UNKNOWN_ADDRESS,
                SEVERAL_ADDRESSED,
            ),
            Entity::Organization => (
                self.organizations
                    .get(&name_key(text))
                    .into_iter()
                    .flatten()
                    .filter_map(|id| OrganizationId::new(*id).ok().map(Owner::Organization))
                    .collect(),
                "There is no organization of this name. One that is new in Jira is known within an hour.",
                "Several organizations have this name. Use the organization's id.",
            ),
        };
        let mut owners = owners.into_iter();
        match (owners.next(), owners.next()) {
            (Some(owner), None) => Ok(owner),
            (None, _) => Err(Refusal::of_row("unknown", unknown)),
            (Some(_), Some(_)) => Err(Refusal::of_row("ambiguous", ambiguous)),
        }
    }

    /// Of those who have an address the ones who were not merged into another one, so that it means whom a merge kept. Where
    /// all were, all of them: the row is refused, and says where they went.
    fn meant<'b>(&self, all: &[&'b AccountId]) -> Vec<&'b AccountId> {
        let standing: Vec<&'b AccountId> = all.iter().copied().filter(|account| !self.is_merged(account)).collect();
        if standing.is_empty() { all.to_vec() } else { standing }
    }

    fn is_merged(&self, account: &AccountId) -> bool {
        self.merged.is_some_and(|merged| merged.contains_key(account))
    }

    fn by_email(&self, text: &str) -> &[&'a AccountId] {
        self.by_email.get(text.to_lowercase().as_str()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The account that a cell of a user field means.
    pub(super) fn person(&self, text: &str, asked: &Names, seeker: &Seeker<'_>) -> Result<String, Wrong> {
        if let Some(account) = may_be_account(text).filter(|account| asked.contains_key(account)) {
            return Ok(account.as_str().to_owned());
        }
        let by_email = self.by_email(text).iter().map(|account| account.as_str());
        if let Some(one) = only_one(by_email.collect(), false) {
            return one;
        }
        let said = match seeker.said(text) {
            Some(said) => said,
            None if seeker.is_spent() && self.is_strange(text, asked) => {
                return nobody("not_looked_for", NOT_LOOKED_FOR);
            }
            None => Arc::default(),
        };
        let mut found: BTreeSet<&str> = said.addressed.iter().map(AccountId::as_str).collect();
        if found.is_empty() {
            found.extend(said.called.iter().map(AccountId::as_str));
            found.extend(self.people.get(&name_key(text)).into_iter().flatten().copied());
        }
        match only_one(found, said.crowded) {
            Some(one) => one,
            None if said.withheld && text.contains('@') => nobody("address_withheld", WITHHELD),
            None => nobody("unknown", "Nobody is known by this. Use the person's account id."),
        }
    }

    /// Accounts that a cell of a user field may mean by their id.
    pub(super) fn named(text: &str) -> Option<AccountId> {
        may_be_account(without_prefix(text).trim())
    }
}

/// The one who was found, or that there are several, or may be; none where nobody was.
fn only_one(found: BTreeSet<&str>, crowded: bool) -> Option<Result<String, Wrong>> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(id), None) if !crowded => Some(Ok(id.to_owned())),
        (Some(_), _) => Some(nobody("ambiguous", "Several people are called so. Use the account id.")),
        (None, _) => None,
    }
}

fn nobody<T>(code: &'static str, detail: &'static str) -> Result<T, Wrong> {
    Err(Wrong { code, detail })
}

/// Somebody whom Jira is to make, as their row names them.
fn newcomer(mapping: &Mapping, cells: &[String], email: &str) -> Result<Newcomer, Refusal> {
    let column = |wanted: &Target| mapping.targets.iter().position(|target| target == wanted);
    let wrong = |target: &Target, fault| match column(target) {
        Some(column) => Refusal::of_cell(column, fault),
        None => Refusal::of_row("format", "The row names nobody whom Jira could make."),
    };
    let email = check_address("/email", email).map_err(|fault| wrong(&Target::Email, fault))?;
    // Where no column says it, the part that people know them by.
    let before = email.rsplit_once('@').map_or(email.as_str(), |(before, _)| before);
    let name = cell(mapping, cells, &Target::DisplayName).unwrap_or(before);
    let name = check_line("/displayName", name, "A name").map_err(|fault| wrong(&Target::DisplayName, fault))?;
    Ok(Newcomer { email, name })
}

/// What a row says in the column that is this.
fn cell<'c>(mapping: &Mapping, cells: &'c [String], target: &Target) -> Option<&'c str> {
    mapping.cell(cells, target).map(|text| without_prefix(text).trim()).filter(|text| !text.is_empty())
}

/// Of the ids that these rows go by, those that there are. Of people whom the directory does not know, Jira is asked.
pub(super) async fn known_ids(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    mapping: &Mapping,
    rows: &[&[String]],
) -> Result<HashSet<String>> {
    let named = rows.iter().filter_map(|cells| cell(mapping, cells, &Target::Id));
    let owners: Vec<Owner> = named.filter_map(|id| owner_of(entity, id).ok()).collect();
    directory::known(cx, room, &owners).await
}

/// The names of these people: those that Jira knows.
pub(super) async fn names(cx: &Cx, room: &Room, accounts: Vec<AccountId>) -> Result<Names> {
    if accounts.is_empty() { Ok(Names::new()) } else { directory::names(cx, room, &accounts).await }
}
