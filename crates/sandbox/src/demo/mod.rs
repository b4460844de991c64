//! A generated company that one can believe: Nordlicht Mobility, which builds e-bikes and charging
//! stations, with its agents, dealers, fleets and riders, and what they wrote to each other.
//!
//! The same number gives the same company, dated relative to the given instant; another number deals
//! the same people other conversations. Texts are data, in `content/`. It must never read a clock or
//! another source of chance. Start reading at [`generate`].

mod conversation;
mod crowd;
mod people;
mod requests;
mod software;
mod texts;

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::state::{Seed, base_seed};
use texts::Texts;

pub(crate) use crowd::enlarge;

/// Keeps the company's dice apart from the site's own, which may have the same seed.
const SALT: u64 = 0x4e6f_7264_6c69_6368;
/// Ids of issues begin here, as on a site that has been in use.
const FIRST_ISSUE: u64 = 10_100;
/// Ids of comments and histories have a range of their own, above all issues.
const FIRST_ENTRY: u64 = 20_000;

/// Chance, ids and time for one run.
struct Dice {
    rng: StdRng,
    now: Timestamp,
    next_issue: u64,
    next_entry: u64,
}

impl Dice {
    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() {
            return None;
        }
        list.get(self.rng.random_range(0..list.len()))
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.rng.random_range(low..=high)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// An Atlassian account id: 24 hexadecimal digits.
    fn account_id(&mut self) -> String {
        let mut id = self.uuid().simple().to_string();
        id.truncate(24);
        id
    }

    fn issue_id(&mut self) -> u64 {
        self.next_issue += 1;
        self.next_issue
    }

    fn entry_id(&mut self) -> u64 {
        self.next_entry += 1;
        self.next_entry
    }

    /// The instant so long before now.
    fn ago(&self, span: SignedDuration) -> Timestamp {
        self.now.checked_sub(span).unwrap_or(self.now)
    }
}

/// The whole site for this number, as of `now`.
pub(crate) fn generate(number: u64, now: Timestamp) -> Seed {
    let texts = match Texts::read() {
        Ok(texts) => texts,
        Err(error) => {
            // The texts are compiled in and read by a test; a site without a company still runs.
            tracing::error!(%error, "the demo's texts cannot be read");
            return base_seed();
        }
    };
    let mut dice =
        Dice { rng: StdRng::seed_from_u64(number ^ SALT), now, next_issue: FIRST_ISSUE, next_entry: FIRST_ENTRY };
    let mut seed = base_seed();
    let company = people::hire(&texts, &mut dice, &mut seed);
    requests::open_desks(&texts, &company, &mut seed);
    let bugs = software::plan(&texts, &company, &mut dice, &mut seed);
    requests::fill(&texts, &company, &bugs, &mut dice, &mut seed);
    seed
}

#[cfg(test)]
mod tests;
