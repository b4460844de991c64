//! More customers than the company has texts for: the names that it knows, dealt anew, in organizations of their own.
//! They write no requests.

use std::collections::{BTreeMap, BTreeSet};

use rand::{SeedableRng, rngs::StdRng};

use super::people::mail_name;
use super::{Dice, SALT};
use crate::state::{
    Seed,
    model::{Account, AccountType, Organization},
};

/// Keeps these dice apart from the company's own.
const CROWD: u64 = 0x6372_6f77_6400_0000;
/// One in so many customers belongs to no organization.
const ALONE: usize = 4;
/// Customers of one organization, about.
const MEMBERS: usize = 40;
const TRADES: [&str; 6] = ["Logistics", "Bikes", "Couriers", "Rentals", "Fleets", "Cycles"];

/// Adds so many customers to a company, the same ones for the same number.
pub(crate) fn enlarge(seed: &mut Seed, number: u64, customers: usize, now: jiff::Timestamp) {
    let rng = StdRng::seed_from_u64(number ^ SALT ^ CROWD);
    let mut dice = Dice { rng, now, next_issue: 0, next_entry: 0 };
    let known: Vec<Account> =
        seed.accounts.iter().filter(|account| account.account_type == AccountType::Customer).cloned().collect();
    let names: Vec<(&str, &str)> = known.iter().filter_map(|account| account.display_name.split_once(' ')).collect();
    let first = seed.organizations.iter().filter_map(|one| one.id.parse::<usize>().ok()).max().unwrap_or(0) + 1;
    let mut organizations: Vec<Organization> = Vec::new();
    for at in 0..customers.div_ceil(MEMBERS) {
        let (Some((_, name)), Some(trade)) = (dice.pick(&names).copied(), dice.pick(&TRADES)) else { return };
        organizations.push(Organization {
            id: (first + at).to_string(),
            uuid: dice.uuid().to_string(),
            name: format!("{name} {trade} {}", at + 1),
            members: BTreeSet::new(),
            properties: BTreeMap::new(),
        });
    }
    let mut alone = Vec::new();
    for at in 0..customers {
        let (Some((given, _)), Some((_, family))) = (dice.pick(&names).copied(), dice.pick(&names).copied()) else {
            return;
        };
        let name = format!("{given} {family}");
        let id = format!("qm:{}:{}", dice.uuid(), dice.uuid());
        let mail = format!("{}.{}@crowd.example", mail_name(&name), at + 1);
        let mut account = Account::new(&id, AccountType::Customer, &name, &mail);
        account.email_visible = false;
        if let Some(like) = dice.pick(&known) {
            account.time_zone.clone_from(&like.time_zone);
            account.locale.clone_from(&like.locale);
        }
        seed.accounts.push(account);
        let of = dice.between(0, organizations.len() as i64 - 1);
        match usize::try_from(of).ok().and_then(|of| organizations.get_mut(of)) {
            Some(organization) if at % ALONE != 0 => {
                organization.members.insert(id);
            }
            _ => alone.push(id),
        }
    }
    let ids: Vec<String> = organizations.iter().map(|organization| organization.id.clone()).collect();
    seed.organizations.extend(organizations);
    // Those of an organization come with it; the desk for riders has the others.
    if let Some(desk) = seed.service_desks.iter_mut().find(|desk| !desk.organizations.is_empty()) {
        desk.customers.extend(alone);
        desk.organizations.extend(ids);
    }
}
