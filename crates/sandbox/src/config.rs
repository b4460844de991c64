//! What a sandbox is started with. Defaults are those of a real site on an ordinary day.
//!
//! Time and chance come only from here (`clock`, `seed`), so that a test can move the one and
//! repeat the other.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use crate::{data_center::Deployment, faults::RequestFault, forge::ForgeConfig, state::Seed};

/// The site's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the site's content comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Given data.
    Seed(Box<Seed>),
    /// Issues in Jira's REST shape, one a line, plain or gzipped.
    Archive(PathBuf),
    /// A generated company; the number chooses which.
    Demo(u64),
    /// A site as one gets it: three people, a service desk and a software project, and not one issue.
    New,
}

/// How a network and a busy site misbehave. Probabilities are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Search shows a write after a random time in this range.
    pub search_lag: (Duration, Duration),
    /// Webhooks and Forge events leave after a random time in this range.
    pub delivery_delay: (Duration, Duration),
    /// Chance that a delivery is sent twice.
    pub delivery_twice: f64,
    /// Chance that a delivery is held back behind later ones.
    pub delivery_reordered: f64,
    /// Chance that a delivery is never made.
    pub delivery_dropped: f64,
    /// Time before a failed delivery is tried again (a real site waits 5 to 15 minutes).
    pub delivery_retry: Duration,
    /// What happens to requests, by rules asked in their order.
    pub requests: Vec<RequestFault>,
}

impl Faults {
    /// Nothing goes wrong and nothing waits: for tests of other things.
    #[must_use]
    pub fn none() -> Self {
        Self {
            search_lag: (Duration::ZERO, Duration::ZERO),
            delivery_delay: (Duration::ZERO, Duration::ZERO),
            delivery_twice: 0.0,
            delivery_reordered: 0.0,
            delivery_dropped: 0.0,
            delivery_retry: Duration::from_millis(50),
            requests: Vec::new(),
        }
    }
}

impl Default for Faults {
    /// An ordinary day: searches lag by up to a second, deliveries by up to 0.8 s, and a few go wrong.
    fn default() -> Self {
        Self {
            search_lag: (Duration::from_millis(100), Duration::from_millis(1000)),
            delivery_delay: (Duration::from_millis(50), Duration::from_millis(800)),
            delivery_twice: 0.02,
            delivery_reordered: 0.05,
            delivery_dropped: 0.01,
            delivery_retry: Duration::from_secs(5),
            requests: Vec::new(),
        }
    }
}

/// Jira's three limits. On by default.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// False switches all of them off.
    pub enabled: bool,
    /// Requests a second for GET and POST of one endpoint.
    pub burst_read: u32,
    /// Requests a second for PUT and DELETE of one endpoint.
    pub burst_write: u32,
    /// Requests a second for GET of one issue.
    pub burst_issue: u32,
    /// Requests a second for the customers of a desk.
    pub burst_customers: u32,
    /// Points an hour for an app.
    pub points_per_hour: u64,
    /// Writes to one issue in 2 seconds.
    pub issue_writes_short: u32,
    /// Writes to one issue in 30 seconds.
    pub issue_writes_long: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            burst_read: 100,
            burst_write: 50,
            burst_issue: 150,
            burst_customers: 5,
            points_per_hour: 65_000,
            issue_writes_short: 20,
            issue_writes_long: 100,
        }
    }
}

/// An app that signs people in, as the developer console would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// Its client id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Where people are sent back to.
    pub callback: String,
}

/// Everything a sandbox needs to start.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 chooses a free one.
    pub listen: SocketAddr,
    /// Which Jira it is.
    pub deployment: Deployment,
    /// The site's name, shown and in `serverInfo`.
    pub site_name: String,
    /// The site's address as others reach it, when it isn't `http://{listen}`. No trailing slash, and without the
    /// context path.
    pub public_url: Option<String>,
    /// The path below which a Data Center is, such as `/jira`; empty where it has none, as Cloud never has.
    pub context_path: String,
    /// The site's cloud id (a UUID).
    pub cloud_id: String,
    /// The clock.
    pub clock: Clock,
    /// Seeds every random choice.
    pub seed: u64,
    /// Content.
    pub source: Source,
    /// Customers that a generated company has besides those who write requests.
    pub more_customers: usize,
    /// Misbehaviour.
    pub faults: Faults,
    /// Limits.
    pub rate_limits: RateLimits,
    /// Folder with Atlassian's OpenAPI files; each answer, and each request that was done, is then checked against them.
    pub contract: Option<PathBuf>,
    /// Forge apps to host.
    pub forge: ForgeConfig,
    /// Another site of the same cloud: installs of Connect apps are signed for both with its key.
    pub connect_keys_of: Option<Arc<crate::connect::Host>>,
    /// Folder for the keys that it signs with, which it makes at the first start there; without one each start makes new
    /// ones. Whoever starts many saves the time.
    pub keys: Option<PathBuf>,
    /// Clients of the authorization server.
    pub oauth: Vec<OauthClient>,
}

impl Default for Config {
    /// An empty site on a free loopback port with the system's clock.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            deployment: Deployment::Cloud,
            site_name: "Sandbox".to_owned(),
            public_url: None,
            context_path: String::new(),
            cloud_id: "11223344-a1b2-4c3d-8e4f-112233445566".to_owned(),
            clock: Arc::new(Timestamp::now),
            seed: 1,
            source: Source::Seed(Box::default()),
            more_customers: 0,
            faults: Faults::default(),
            rate_limits: RateLimits::default(),
            contract: None,
            forge: ForgeConfig::default(),
            connect_keys_of: None,
            keys: None,
            oauth: Vec::new(),
        }
    }
}
