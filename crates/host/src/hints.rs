//! What Jira tells of an issue by its id alone: not what became of it, only that somebody should look. That is done at once; what
//! more is told of the same issue within seconds makes one look more, at their end, so that a storm makes two and the last
//! telling is not lost. It must never keep anything of an issue but its id. Start at [`take`].

use async_trait::async_trait;
use aws_lc_rs::digest;
use jiff::SignedDuration;
use jobs::{Handler, Outcome};
use kernel::{Cx, IssueId, Result};
use serde_json::{Value, json};
use store::{Store, outbox};

use crate::events;
use crate::sql;

/// Within such a span an issue is looked at twice at most. Shorter than anybody waits for, longer than what one click does.
const SPAN: SignedDuration = SignedDuration::from_secs(10);

const LOOK_AGAIN: &str = "host.look_again";

/// Takes it: whoever subscribes to issues is told, now or at the end of the span.
pub(crate) async fn take(store: &Store, cx: &Cx, issue: &IssueId) -> Result<()> {
    let span = i64::try_from(SPAN.as_micros()).unwrap_or(i64::MAX);
    let number = kernel::micros(cx.now()).div_euclid(span);
    let key = format!("{} {number}", issue.as_str());
    let hash = digest::digest(&digest::SHA256, format!("steward issue told {key}").as_bytes());
    let mut scoped = store.write(cx).await?;
    if sql::invocation_record(&mut scoped, cx, hash.as_ref()).await? {
        let told = events::of_issue(issue);
        outbox::put(&mut scoped, cx, told.topic, &told.body).await?;
    } else {
        let end = kernel::from_micros(number.saturating_add(1).saturating_mul(span));
        jobs::enqueue(&mut scoped, cx, LOOK_AGAIN, &key, &json!({"issue": issue.as_str()}), end).await?;
    }
    scoped.commit().await
}

/// The look at the end of a span.
pub(crate) struct LookAgain(pub(crate) Store);

#[async_trait]
impl Handler for LookAgain {
    fn kind(&self) -> &'static str {
        LOOK_AGAIN
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let issue = IssueId::new(payload.get("issue").and_then(Value::as_str).unwrap_or_default())?;
        let told = events::of_issue(&issue);
        let mut scoped = self.0.write(cx).await?;
        outbox::put(&mut scoped, cx, told.topic, &told.body).await?;
        scoped.commit().await?;
        Ok(Outcome::Done)
    }
}
