//! The same number gives the same company, and one that can be believed.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

use std::collections::BTreeSet;

use super::*;
use crate::state::model::{AccountType, StatusCategory};

fn noon() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

#[test]
fn the_same_number_is_the_same_company() {
    let json = |number| serde_json::to_string(&generate(number, noon())).unwrap();
    assert_eq!(json(7), json(7));
    assert_ne!(json(7), json(8));
}

#[test]
fn more_customers_are_the_same_ones_and_each_is_reached_through_a_desk() {
    let crowd = || {
        let mut seed = generate(7, noon());
        enlarge(&mut seed, 7, 1_000, noon());
        seed
    };
    let (small, large) = (generate(7, noon()), crowd());
    assert_eq!(serde_json::to_string(&large).unwrap(), serde_json::to_string(&crowd()).unwrap());
    assert_eq!(large.accounts.len(), small.accounts.len() + 1_000);
    let ids: BTreeSet<&String> = large.accounts.iter().map(|account| &account.account_id).collect();
    let emails: BTreeSet<String> = large.accounts.iter().map(|account| account.email.to_lowercase()).collect();
    assert_eq!((ids.len(), emails.len()), (large.accounts.len(), large.accounts.len()));
    let organizations: BTreeSet<&String> = large.organizations.iter().map(|one| &one.id).collect();
    assert_eq!(organizations.len(), large.organizations.len());
    let reached: BTreeSet<&String> = large
        .service_desks
        .iter()
        .flat_map(|desk| &desk.customers)
        .chain(large.organizations.iter().flat_map(|one| &one.members))
        .collect();
    let customers = large.accounts.iter().filter(|account| account.account_type == AccountType::Customer);
    assert!(customers.into_iter().all(|account| reached.contains(&account.account_id)));
}

#[test]
fn texts_are_whole() {
    let texts = Texts::read().unwrap();
    let scenes = texts.scenes.iter().flat_map(|(_, scenes)| scenes).chain(&texts.languages);
    for scene in scenes {
        for turn in &scene.turns {
            assert!(conversation::is_turn(turn), "{turn}");
        }
        let kinds = texts.desks.iter().flat_map(|desk| &desk.types);
        assert!(kinds.into_iter().any(|kind| kind.key == scene.kind), "{}", scene.kind);
        if let Some(bug) = &scene.bug {
            let known = texts.software.iter().flat_map(|epic| &epic.issues);
            assert!(known.into_iter().any(|work| work.key.as_ref() == Some(bug)), "{bug}");
        }
    }
}

#[test]
fn the_company_is_coherent() {
    for number in 1..4 {
        let seed = generate(number, noon());
        let accounts: BTreeSet<&str> = seed.accounts.iter().map(|a| a.account_id.as_str()).collect();
        let emails: BTreeSet<String> = seed.accounts.iter().map(|a| a.email.to_lowercase()).collect();
        assert_eq!(accounts.len(), seed.accounts.len());
        assert_eq!(emails.len(), seed.accounts.len());
        assert!(seed.accounts.iter().all(|a| jiff::tz::TimeZone::get(&a.time_zone).is_ok()));
        let customers = seed.accounts.iter().filter(|a| a.account_type == AccountType::Customer).count();
        assert!((55..80).contains(&customers), "{customers}");
        assert!((120..200).contains(&seed.issues.len()), "{}", seed.issues.len());
        let keys: BTreeSet<&str> = seed.issues.iter().map(|i| i.key.as_str()).collect();
        assert_eq!(keys.len(), seed.issues.len());
        let ids: BTreeSet<u64> = seed.issues.iter().map(|i| i.id).collect();
        assert_eq!(ids.len(), seed.issues.len());
        let entries: Vec<u64> = seed
            .issues
            .iter()
            .flat_map(|i| i.comments.iter().map(|c| c.id).chain(i.changelog.iter().map(|h| h.id)))
            .chain(seed.links.iter().map(|l| l.id))
            .collect();
        assert_eq!(entries.iter().collect::<BTreeSet<_>>().len(), entries.len());
        for issue in &seed.issues {
            let people = issue
                .comments
                .iter()
                .map(|c| &c.author)
                .chain(&issue.reporter)
                .chain(&issue.assignee)
                .chain(&issue.participants);
            assert!(people.into_iter().all(|id| accounts.contains(id.as_str())), "{}", issue.key);
            let mut times = vec![issue.created_at];
            times.extend(issue.comments.iter().map(|c| c.created_at));
            assert!(times.is_sorted(), "{}", issue.key);
            assert!(times.iter().all(|at| *at <= noon()) && issue.updated_at <= noon(), "{}", issue.key);
            assert!(issue.updated_at >= issue.created_at);
            let status = seed.statuses.iter().find(|s| s.id == issue.status_id).unwrap();
            let done = status.category == StatusCategory::Done;
            assert_eq!(done, issue.resolution_id.is_some(), "{}", issue.key);
            assert_eq!(done, issue.resolved_at.is_some(), "{}", issue.key);
            let last = issue.changelog.iter().rev().flat_map(|h| &h.items).find(|i| i.field == "status");
            assert!(last.is_none_or(|item| item.to.as_ref() == Some(&issue.status_id)), "{}", issue.key);
            let text = format!("{}{:?}{:?}", issue.summary, issue.description, issue.comments);
            assert!(!text.contains('{') || !text.contains("{first}"), "{}", issue.key);
        }
        for link in &seed.links {
            assert!(ids.contains(&link.inward) && ids.contains(&link.outward));
        }
        let open = seed.issues.iter().filter(|i| i.resolution_id.is_none()).count();
        assert!(open * 5 > seed.issues.len() && open * 10 < seed.issues.len() * 8, "{open}");
        let amelie = seed.accounts.iter().find(|a| a.account_type == AccountType::Customer).unwrap();
        let hers = seed.issues.iter().filter(|i| i.reporter.as_ref() == Some(&amelie.account_id));
        let (done, waiting): (Vec<_>, Vec<_>) = hers.partition(|i| i.resolution_id.is_some());
        assert!(!done.is_empty() && done.len() + waiting.len() >= 3);
        assert!(seed.organizations.iter().any(|o| o.members.contains(&amelie.account_id)));
    }
}
