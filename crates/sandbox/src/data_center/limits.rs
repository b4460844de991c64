//! The limit of requests of a Data Center: a bucket for each person, filled again as time passes; for nobody there is
//! none. Off unless an administrator sets one, and then every answer to a person says what is left.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::config::RateLimit;
use crate::{App, state::model::AccountId};

#[derive(Clone, Copy)]
struct Bucket {
    left: u32,
    /// The interval up to which it was filled.
    interval: i64,
}

/// The buckets.
#[derive(Default)]
pub(crate) struct Limits {
    limit: Option<RateLimit>,
    buckets: Mutex<HashMap<AccountId, Bucket>>,
}

impl Limits {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, buckets: Mutex::default() }
    }

    /// Takes a request from somebody's bucket.
    ///
    /// # Errors
    /// The finished 429.
    #[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
    pub(super) fn admit(&self, app: &App, account: Option<&str>) -> Result<(), Response> {
        let (Some(limit), Some(account)) = (self.limit, account) else { return Ok(()) };
        let interval = app.state.now().as_second().div_euclid(i64::from(limit.interval_s.max(1)));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(account.to_owned()).or_insert(Bucket { left: limit.limit, interval });
        let passed = u32::try_from(interval - bucket.interval).unwrap_or(0);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(limit.fill)).min(limit.limit);
        bucket.interval = bucket.interval.max(interval);
        let Some(left) = bucket.left.checked_sub(1) else {
            drop(buckets);
            let refused = (StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.").into_response();
            return Err(self.settle(app, Some(account), refused));
        };
        bucket.left = left;
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn settle(&self, app: &App, account: Option<&str>, mut answer: Response) -> Response {
        let (Some(limit), Some(account)) = (self.limit, account) else { return answer };
        let left = {
            let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.get(account).map_or(limit.limit, |bucket| bucket.left)
        };
        let interval = i64::from(limit.interval_s.max(1));
        let wait = if left == 0 { interval - app.state.now().as_second().rem_euclid(interval) } else { 0 };
        let headers = answer.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(left));
        headers.insert("x-ratelimit-interval-seconds", HeaderValue::from(limit.interval_s));
        headers.insert("x-ratelimit-fillrate", HeaderValue::from(limit.fill));
        headers.insert("retry-after", HeaderValue::from(wait));
        answer
    }
}
