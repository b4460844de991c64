//! Time as a value: rooms ask the [`Clock`] of their context, never the machine.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Where "now" comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock; the one home of the operating system's time.
#[derive(Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved: for tests and drills.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_microsecond()))
    }

    /// Moves forward by `step`.
    pub fn advance(&self, step: Duration) {
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(step, Ordering::SeqCst);
    }

    /// Jumps to `at`, backwards too: clocks do.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The stored form of an instant: Unix microseconds, in both databases.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Reads the stored form back; what lies outside the calendar is clamped to its ends.
pub fn from_micros(stored: i64) -> Timestamp {
    Timestamp::from_microsecond(stored).unwrap_or(if stored < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
