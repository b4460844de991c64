//! Time that passes: what waits for Jira waits by it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::pauses::Moment;

/// The process's own time, which no one sets back. Tests put their own, in which a wait is over at once.
#[async_trait]
pub trait Timer: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Moment;
    /// Waits.
    async fn sleep(&self, time: Duration);
    /// A number in 0..1 that spreads the waits of many, so that they do not all come back at once.
    fn spread(&self) -> f64;
}

/// The machine's.
pub struct SystemTimer(Instant);

impl Default for SystemTimer {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Timer for SystemTimer {
    fn now(&self) -> Moment {
        self.0.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn spread(&self) -> f64 {
        f64::from(rand::random::<u16>()) / f64::from(u16::MAX)
    }
}
