//! Who is there: accounts, groups, organizations.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Dice,
    texts::{Texts, Worker},
};
use crate::state::{
    Seed,
    model::{ADMIN_GROUP, Account, AccountId, AccountType, Group, Organization, USERS_GROUP},
};

const DOMAIN: &str = "nordlicht.example";
/// First organization's id.
const FIRST_ORGANIZATION: usize = 10;
/// Group of all service agents, for apps that give rights by group.
const AGENTS_GROUP: &str = "service-agents";

/// A person who writes requests.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) id: AccountId,
    pub(super) first: String,
    pub(super) lang: String,
    /// Organization id, with whether it is a dealer.
    pub(super) organization: Option<(String, bool)>,
}

/// Everybody, by what they do.
pub(super) struct Company {
    pub(super) admin: AccountId,
    /// Agents by desk key.
    pub(super) agents: Vec<(String, AccountId)>,
    pub(super) developers: Vec<AccountId>,
    pub(super) staff: Vec<Writer>,
    pub(super) customers: Vec<Writer>,
    /// Organization ids with whether each is a dealer.
    pub(super) organizations: Vec<(String, bool)>,
}

impl Company {
    pub(super) fn agents_of(&self, desk: &str) -> Vec<AccountId> {
        self.agents.iter().filter(|(key, _)| key == desk).map(|(_, id)| id.clone()).collect()
    }
}

pub(super) fn hire(texts: &Texts, dice: &mut Dice, seed: &mut Seed) -> Company {
    let people = &texts.people;
    let admin = worker(&people.admin, dice, seed);
    let agents: Vec<(String, AccountId)> =
        people.agents.iter().map(|a| (a.desk.clone(), worker(a, dice, seed))).collect();
    let organizations: Vec<(String, bool)> = people
        .organizations
        .iter()
        .enumerate()
        .map(|(at, group)| {
            let id = (FIRST_ORGANIZATION + at).to_string();
            seed.organizations.push(Organization {
                id: id.clone(),
                uuid: dice.uuid().to_string(),
                name: group.name.clone(),
                members: BTreeSet::new(),
                properties: BTreeMap::new(),
            });
            (id, group.kind == "dealer")
        })
        .collect();
    let customers = customers(texts, dice, seed, &organizations);
    let developers: Vec<AccountId> = people.developers.iter().map(|d| worker(d, dice, seed)).collect();
    let staff: Vec<Writer> = people
        .staff
        .iter()
        .map(|one| Writer {
            id: worker(one, dice, seed),
            first: first_name(&one.name),
            lang: "en".to_owned(),
            organization: None,
        })
        .collect();
    let licensed: Vec<&AccountId> =
        std::iter::once(&admin).chain(agents.iter().map(|(_, id)| id)).chain(&developers).collect();
    for group in &mut seed.groups {
        match group.name.as_str() {
            ADMIN_GROUP => {
                group.members.insert(admin.clone());
            }
            USERS_GROUP => group.members.extend(licensed.iter().map(|id| (*id).clone())),
            _ => {}
        }
    }
    seed.groups.push(Group {
        group_id: dice.uuid().to_string(),
        name: AGENTS_GROUP.to_owned(),
        members: agents.iter().map(|(_, id)| id.clone()).collect(),
    });
    Company { admin, agents, developers, staff, customers, organizations }
}

fn worker(worker: &Worker, dice: &mut Dice, seed: &mut Seed) -> AccountId {
    let id = dice.account_id();
    let mail = worker.mail.clone().unwrap_or_else(|| mail_name(&worker.name));
    let mut account = Account::new(&id, AccountType::Atlassian, &worker.name, &format!("{mail}@{DOMAIN}"));
    // So that a script can sign in as a colleague by Basic.
    account.api_tokens = vec![dice.uuid().simple().to_string()];
    account.time_zone.clone_from(&worker.zone);
    account.locale.clone_from(&worker.locale);
    seed.accounts.push(account);
    id
}

fn customers(texts: &Texts, dice: &mut Dice, seed: &mut Seed, organizations: &[(String, bool)]) -> Vec<Writer> {
    let mut writers = Vec::new();
    for buyer in &texts.people.customers {
        let id = format!("qm:{}:{}", dice.uuid(), dice.uuid());
        let mail = buyer.mail.clone().unwrap_or_else(|| mail_name(&buyer.name));
        let group = buyer.org.as_ref().and_then(|key| {
            let at = texts.people.organizations.iter().position(|group| group.key == *key)?;
            Some((key, organizations.get(at)?))
        });
        let domain = group.map_or_else(|| "mail.example".to_owned(), |(key, _)| format!("{key}.example"));
        let mut account = Account::new(&id, AccountType::Customer, &buyer.name, &format!("{mail}@{domain}"));
        account.email_visible = false;
        account.time_zone.clone_from(&buyer.zone);
        account.locale.clone_from(&buyer.locale);
        seed.accounts.push(account);
        if let Some((_, (organization, _))) = group
            && let Some(found) = seed.organizations.iter_mut().find(|o| o.id == *organization)
        {
            found.members.insert(id.clone());
        }
        writers.push(Writer {
            id,
            first: first_name(&buyer.name),
            lang: buyer.lang.clone(),
            organization: group.map(|(_, organization)| organization.clone()),
        });
    }
    writers
}

/// How one addresses a person: the first word, or the family name where that stands first.
fn first_name(name: &str) -> String {
    let vietnamese = name.starts_with("Nguyễn") || name.starts_with("Trần");
    let mut words = name.split_whitespace();
    let word = if vietnamese { words.next_back() } else { words.next() };
    word.unwrap_or(name).to_owned()
}

/// `Léa Moreau` → `lea.moreau`: letters that have no plain form are left out of addresses.
pub(super) fn mail_name(name: &str) -> String {
    let plain = |c: char| -> &'static str {
        match c {
            'á' | 'à' | 'â' | 'ã' | 'ā' | 'å' => "a",
            'ä' | 'æ' => "ae",
            'é' | 'è' | 'ê' | 'ë' | 'ē' => "e",
            'í' | 'î' | 'ï' | 'ì' | 'ı' => "i",
            'ó' | 'ô' | 'õ' | 'ò' => "o",
            'ö' | 'ø' => "oe",
            'ü' => "ue",
            'ú' | 'ù' | 'ū' => "u",
            'ç' | 'č' => "c",
            'ñ' | 'ń' => "n",
            'ł' | 'ľ' | 'ļ' => "l",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ź' | 'ż' | 'ž' | 'Ź' => "z",
            'ř' => "r",
            'ý' => "y",
            'ţ' | 'ț' => "t",
            'ğ' => "g",
            'ņ' => "n",
            'ß' => "ss",
            'ð' | 'ď' => "d",
            'ě' => "e",
            'þ' => "th",
            'ą' => "a",
            'ę' => "e",
            _ => "",
        }
    };
    let mut mail = String::new();
    for (at, word) in name.split_whitespace().enumerate() {
        if at > 0 {
            mail.push('.');
        }
        for c in word.to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                mail.push(c);
            } else {
                mail.push_str(plain(c));
            }
        }
    }
    mail
}
