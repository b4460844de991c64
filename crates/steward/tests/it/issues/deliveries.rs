//! What Jira tells comes late, twice, one behind the other, or never: what stands on issues and how people are called is right
//! in the end. Each run is drawn from its seed, and so is what becomes of the deliveries.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use kernel::AccountId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sandbox::events::Actor as Somebody;
use sandbox::state::model::Account;
use sandbox::state::{FieldValue, NewIssue};
use serde_json::{Value, json};

use crate::world::{Joined, World};

/// Of the odd ones deliveries get lost, too.
const SEEDS: Range<u64> = 0..6;
/// Issues that changed are looked for within the hour, whatever was told of them.
const HOUR: Duration = Duration::from_secs(3_700);
/// What was told twice within seconds is looked at again at their end.
const SECONDS: Duration = Duration::from_secs(11);
/// A name is asked for again after a day.
const DAY: Duration = Duration::from_secs(25 * 3_600);

on_both!(values_and_names_are_right_in_the_end);

fn loses(seed: u64) -> bool {
    !seed.is_multiple_of(2)
}

/// From now on until [`calm`].
fn trouble(world: &World, seed: u64) {
    let faults = sandbox::Faults {
        delivery_delay: (Duration::from_millis(1), Duration::from_millis(60)),
        delivery_twice: 0.3,
        delivery_reordered: 0.2,
        delivery_dropped: if loses(seed) { 0.5 } else { 0.0 },
        ..sandbox::Faults::none()
    };
    world.jira.state().faults().command(faults, Some(seed));
}

fn calm(world: &World) {
    world.jira.state().faults().command(sandbox::Faults::none(), None);
}

/// A day later. Jira tells of somebody else then, and brings Forge's access with it, which lasts some hours. Whoever signed in on our
/// own pages does so again.
async fn a_day_passes(world: &World) {
    world.clock.advance(DAY);
    for who in ["agent", "admin"] {
        world.forget_session(&world.jira, who).await;
    }
    let agent = world.jira.visitor("agent").unwrap().account_id;
    world.jira.state().edit_account(&Somebody::default(), &agent, |_| {}).unwrap();
    world.settles().await;
}

/// Somebody whom Jira calls something else from time to time.
struct Person {
    in_jira: String,
    here: AccountId,
    name: String,
}

impl Person {
    async fn of(world: &World, who: &str) -> Self {
        let visitor = world.jira.visitor(who).unwrap();
        let here = AccountId::new(world.known_as(&visitor.account_id).await).unwrap();
        Self { in_jira: visitor.account_id, here, name: visitor.display_name }
    }

    fn is_renamed(&mut self, world: &World, name: &str) {
        let rename = |account: &mut Account| account.display_name = name.to_owned();
        world.jira.state().edit_account(&Somebody::default(), &self.in_jira, rename).unwrap();
        self.name = name.to_owned();
    }

    /// What a page shows of them now.
    async fn shown(&self, world: &World) -> Option<String> {
        let cx = world.reader().await;
        let people = &world.program.host().people;
        let found = people.profiles(&cx, std::slice::from_ref(&self.here)).await.unwrap();
        found.get(&self.here).map(|profile| profile.peek().name.clone())
    }

    async fn is_known_by_name(&self, world: &World, seed: u64) {
        assert_eq!(self.shown(world).await.as_ref(), Some(&self.name), "seed {seed}");
    }
}

/// An issue of a run.
struct Raised {
    id: u64,
    key: String,
    reporter: Option<String>,
}

impl Raised {
    fn by(world: &World, reporter: Option<String>) -> Self {
        let (beside, state) = (world.issue(), world.jira.state());
        let (project_id, issue_type_id) = {
            let store = state.read();
            let known = store.issue(&beside).unwrap();
            (known.project_id.clone(), known.issue_type_id.clone())
        };
        let new = NewIssue {
            project_id,
            issue_type_id,
            summary: "Raised in a run".to_owned(),
            channel: "portal".to_owned(),
            fields: vec![FieldValue::Reporter(reporter.clone())],
            properties: Default::default(),
        };
        let issue = state.create_issue(&Somebody::default(), new).unwrap();
        Self { id: issue.id, key: issue.key.clone(), reporter }
    }

    fn goes_to(&mut self, world: &World, reporter: Option<String>) {
        let changed = vec![FieldValue::Reporter(reporter.clone())];
        world.jira.state().edit_issue(&Somebody::default(), self.id, changed).unwrap();
        self.reporter = reporter;
    }
}

async fn values_and_names_are_right_in_the_end(world: &World) {
    let mut customer = Person::of(world, &world.customer().who).await;
    let other = Person::of(world, &world.other_customer().who).await;
    let tiers = BTreeMap::from([(customer.in_jira.clone(), "Gold"), (other.in_jira.clone(), "Silver")]);
    let field = world.admin().defines_text("Tier", "customerView").await;
    for person in [&customer, &other] {
        let tier = json!(tiers[&person.in_jira]);
        world.agent().writes(person.here.as_str(), &field, tier).await.expect(200);
    }
    world.puts_on_issues(&field).await.expect(200);
    world.settles().await;

    let reporters: Vec<Option<String>> = tiers.keys().cloned().map(Some).chain([None]).collect();
    for seed in SEEDS {
        let mut dice = StdRng::seed_from_u64(seed);
        // The name of before is kept here, until somebody says that it changed.
        customer.is_known_by_name(world, seed).await;
        trouble(world, seed);
        let mut raised: Vec<Raised> = Vec::new();
        for step in 0..10 {
            let reporter = reporters[dice.random_range(0..reporters.len())].clone();
            match dice.random_range(0..6) {
                0 => {
                    customer.is_renamed(world, &format!("Renamed {seed} {step}"));
                    customer.shown(world).await;
                }
                1..=3 if !raised.is_empty() => {
                    let at = dice.random_range(0..raised.len());
                    raised[at].goes_to(world, reporter);
                }
                _ => raised.push(Raised::by(world, reporter)),
            }
            // What came until now is followed, while the rest is on its way.
            if dice.random_bool(0.4) {
                world.program.runner.drain().await.unwrap();
            }
        }
        customer.is_renamed(world, &format!("Renamed {seed} at last"));
        world.settles().await;
        calm(world);

        world.settles_after(if loses(seed) { HOUR } else { SECONDS }).await;
        for issue in &raised {
            let expected = issue.reporter.as_ref().map(|reporter| json!(tiers[reporter]));
            // The Connect app may empty a property, and not take it away.
            let property = world.property(&issue.key).filter(|kept| *kept != json!({}));
            let stands = property.map(|property| property["customer"]["tier"].clone());
            assert_eq!(stands, expected, "seed {seed}: {} of {:?}", issue.key, issue.reporter);
        }
        let told = world.in_jira().await;
        assert_eq!((&told["waiting"], &told["failed"]), (&json!(0), &json!(0)), "seed {seed}: {told}");
        assert_eq!(told["heldUntil"], Value::Null, "seed {seed}: {told}");
        if loses(seed) {
            a_day_passes(world).await;
        }
        customer.is_known_by_name(world, seed).await;
    }
}

/// Where no app of Forge's hears of anything, webhooks tell that somebody should look.
async fn right_in_the_end(joined: Joined) {
    let world = Box::pin(World::joined_by(joined, Vec::new())).await;
    Box::pin(values_and_names_are_right_in_the_end(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cloud_site_by_token() {
    right_in_the_end(Joined::CloudToken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center() {
    right_in_the_end(Joined::DataCenter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_site_with_the_connect_app() {
    right_in_the_end(Joined::Connect).await;
}
