//! A site's secret is held open for seconds, and no longer than it is true: another one is taken at once, the one before as
//! long as it should be, and who left is refused at once. On another node, within the time that things are held for.

use std::time::{Duration, Instant};

use steward::program::Program;

use super::*;

const SECOND: &str = "the-second-secret-of-more-than-32-characters";
const THIRD: &str = "the-third-secret-of-more-than-32-characters";
/// As long as an opened secret is held, and a little longer.
const HELD: Duration = Duration::from_secs(12);

impl Forger {
    /// The site is told of an install with this secret.
    async fn takes(&self, secret: &str) {
        // Two tokens of one second would be one token, which is good once.
        self.world.clock.advance(Duration::from_secs(1));
        let body = with(&self.body(), json!({"sharedSecret": secret}));
        self.installs(INSTALLED, Some(&self.signed(&self.claims())), &body).await.expect(204);
    }

    async fn leaves(&self) {
        self.world.clock.advance(Duration::from_secs(1));
        let claims = with(&self.claims(), json!({"qsh": qsh::of("POST", "/connect/uninstalled", "")}));
        self.installs("/connect/uninstalled", Some(&self.signed(&claims)), &self.body()).await.expect(204);
    }

    /// What a page answers on a node that was signed for with this secret.
    async fn shows(&self, node: &Program, secret: &str) -> u16 {
        let (path, now) = ("/connect/customers-page", self.now());
        let claims = json!({"iss": SITE_KEY, "iat": now, "exp": now + 180, "qsh": qsh::of("GET", path, "")});
        let token = signed(Algorithm::HS256, None, &claims, &EncodingKey::from_secret(secret.as_bytes()));
        let page = Request::get(format!("{path}?jwt={token}")).body(Body::empty()).unwrap();
        World::send_to(node, page).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_true_no_longer_than_the_site_says() {
    let forger = Forger::start().await;
    let shows = async |secret: &str| forger.shows(&forger.world.program, secret).await;
    forger.takes(SECRET).await;
    assert_eq!((shows(SECRET).await, shows(SECRET).await, shows(SECOND).await), (200, 200, 401));

    forger.takes(SECOND).await;
    assert_eq!(
        (shows(SECOND).await, shows(SECRET).await),
        (200, 200),
        "the new one at once, the one before for a while"
    );
    forger.takes(THIRD).await;
    assert_eq!((shows(THIRD).await, shows(SECOND).await, shows(SECRET).await), (200, 200, 401));
    forger.world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!((shows(THIRD).await, shows(SECOND).await), (200, 401), "the while is over, whatever is held");

    forger.leaves().await;
    assert_eq!(shows(THIRD).await, 401, "who left is refused at once");
    // Whoever comes back is another, whose secret is a new one.
    forger.takes(SECRET).await;
    assert_eq!((shows(SECRET).await, shows(THIRD).await), (200, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_took_holds_on_the_other() {
    let (Some(one), Some(two)) = (Database::postgres().await, Database::postgres().await) else { return };
    let forger = Forger::start_on(vec![one, two]).await;
    let one = &forger.world.program;
    let two = &open(&forger.world.config, &forger.world.clock).await;
    forger.takes(SECRET).await;
    for node in [one, two] {
        assert_eq!(forger.shows(node, SECRET).await, 200);
    }
    // The first node hears of a new secret, and the second takes it at once.
    forger.takes(SECOND).await;
    for node in [one, two] {
        assert_eq!((forger.shows(node, SECOND).await, forger.shows(node, SECRET).await), (200, 200));
    }
    forger.takes(THIRD).await;
    for node in [one, two] {
        assert_eq!((forger.shows(node, THIRD).await, forger.shows(node, SECRET).await), (200, 401));
    }

    forger.leaves().await;
    assert_eq!(forger.shows(one, THIRD).await, 401);
    one.runner.drain().await.unwrap();
    let since = Instant::now();
    while forger.shows(two, THIRD).await == 200 {
        assert!(since.elapsed() < HELD, "the other node holds a secret that is gone");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    two.store.close().await;
    two.shelf.close().await;
    forger.world.end().await;
}
