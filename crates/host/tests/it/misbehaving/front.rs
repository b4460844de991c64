//! What stands between the client and the Jira: it sees each call arrive, and loses answers; and the time of both.
//! Start at [`Front::before`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use host::HostConfig;
use host::limits::Timer;
use host::limits::pauses::Moment;
use jiff::Timestamp;
use kernel::Clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::databases::Database;
use crate::world::{World, serve};

/// The longest message of ours through the front.
const BODY_BYTES: usize = 1024 * 1024;

/// A clock that whoever waits moves on.
pub(crate) struct Time {
    pub(crate) start: Timestamp,
    pub(crate) micros: AtomicU64,
    pub(crate) dice: Mutex<StdRng>,
}

impl Time {
    pub(crate) fn pass(&self, time: Duration) {
        // Rounded up: a wait is never shorter than asked.
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap() + 1, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.start + Timer::now(self)
    }
}

#[async_trait]
impl Timer for Time {
    fn now(&self) -> Moment {
        Duration::from_micros(self.micros.load(Ordering::SeqCst))
    }

    async fn sleep(&self, time: Duration) {
        self.pass(time);
        tokio::task::yield_now().await;
    }

    fn spread(&self) -> f64 {
        self.dice.lock().unwrap().random()
    }
}

/// A call as it reached Jira, and what Jira answered.
pub(crate) struct Arrival {
    pub(crate) at: Moment,
    pub(crate) method: Method,
    /// Without the property's key.
    pub(crate) path: String,
    pub(crate) body: String,
    /// None: nobody was there.
    pub(crate) status: Option<u16>,
    pub(crate) reason: Option<String>,
    /// A fault answered, and not Jira.
    pub(crate) fault: bool,
    pub(crate) told: Option<Duration>,
    /// What was left, as the answer said; on Data Center of the account's one budget.
    pub(crate) remaining: Option<u64>,
    pub(crate) lost: bool,
}

impl Arrival {
    pub(crate) fn carried_out(&self) -> bool {
        self.method != Method::GET && self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether it is counted among the writes to an issue.
    pub(crate) fn writes_issue(&self) -> bool {
        self.method != Method::GET && self.path.contains("/issue/")
    }
}

/// Stands between: sees what arrives, and loses answers.
pub(crate) struct Front {
    pub(crate) time: Arc<Time>,
    pub(crate) behind: OnceLock<String>,
    pub(crate) http: reqwest::Client,
    pub(crate) seen: Mutex<Vec<Arrival>>,
    /// How probable it is that an answer gets lost, and the dice.
    pub(crate) losing: Mutex<(f64, StdRng)>,
}

impl Front {
    /// A world whose Jira is called through a front alone, by a time that each wait moves on.
    pub(crate) async fn before(
        database: &Database,
        seed: u64,
        change: impl FnOnce(&mut sandbox::Config),
        tell_of: impl FnOnce(&mut HostConfig),
    ) -> (World, Arc<Self>) {
        // Fails only where another test was first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dice = || StdRng::seed_from_u64(seed);
        let start = "2026-11-22T09:00:00Z".parse().unwrap();
        let time = Arc::new(Time { start, micros: AtomicU64::new(0), dice: Mutex::new(dice()) });
        #[expect(clippy::disallowed_methods, reason = "the line between, not the client that is tested")]
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let losing = Mutex::new((0.0, dice()));
        let front =
            Arc::new(Self { time: time.clone(), behind: OnceLock::new(), http, seen: Mutex::default(), losing });
        let address = serve(Router::new().fallback(pass_on).with_state(front.clone())).await;
        let (clock, behind) = (time.clone(), front.clone());
        let world = World::by(
            database,
            time.clone(),
            |config| {
                config.public_url = Some(format!("http://{address}"));
                config.clock = Arc::new(move || Clock::now(&*clock));
                change(config);
            },
            |jira, config| {
                behind.behind.set(format!("http://{}", jira.address())).unwrap();
                config.timer = time;
                tell_of(config);
            },
        );
        (Box::pin(world).await, front)
    }
}

/// An answer that breaks off.
fn cut() -> Response {
    let broken = std::io::Error::other("the line is cut");
    Response::new(Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(broken) })))
}

async fn pass_on(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES).await.unwrap();
    let at = Timer::now(&*front.time);
    let address = format!("{}{}", front.behind.get().unwrap(), parts.uri);
    let own_to_a_line = |name: &HeaderName| {
        [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(name)
    };
    let kept = |headers: &HeaderMap| -> HeaderMap {
        headers
            .iter()
            .filter(|(name, _)| !own_to_a_line(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let call = front.http.request(parts.method.clone(), address).headers(kept(&parts.headers)).body(body.clone());
    let answer = match call.send().await {
        Ok(answer) => {
            let (status, headers) = (answer.status(), kept(answer.headers()));
            answer.bytes().await.ok().map(|bytes| (status, headers, bytes))
        }
        Err(_) => None,
    };
    let Some((_, path)) = parts.uri.path().split_once("/rest/") else {
        return answer.map_or_else(cut, |(status, headers, bytes)| whole(status, headers, bytes));
    };
    let header = |name: &str| {
        let value = answer.as_ref().and_then(|(_, headers, _)| headers.get(name));
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let lost = {
        let mut losing = front.losing.lock().unwrap();
        let chance = losing.0;
        losing.1.random::<f64>() < chance
    };
    front.seen.lock().unwrap().push(Arrival {
        at,
        method: parts.method,
        path: path.split_once("/properties/").map_or(path, |(issue, _)| issue).to_owned()
            + if path.contains("/properties/") { "/properties" } else { "" },
        body: String::from_utf8(body.to_vec()).unwrap(),
        status: answer.as_ref().map(|(status, _, _)| status.as_u16()),
        reason: header("ratelimit-reason"),
        fault: header("x-sandbox-fault").is_some(),
        told: header("retry-after").map(|seconds| Duration::from_secs(seconds.parse().unwrap())),
        remaining: header("x-ratelimit-remaining").map(|left| left.parse().unwrap()),
        lost,
    });
    match answer {
        Some((status, headers, bytes)) if !lost => whole(status, headers, bytes),
        _ => cut(),
    }
}

fn whole(status: StatusCode, headers: HeaderMap, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
