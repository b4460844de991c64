//! Who gets as far as a code of the authorization server, and who does not.

use sandbox::{Config, OauthClient, state::SESSION_COOKIE};

use crate::support::{AGENT, CARLA, Site, calm};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// What a browser is answered: the status, where it is sent, the page.
async fn goes(site: &Site, session: Option<&str>, path: &str) -> (u16, String, String) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let mut request = http.get(format!("{}{path}", site.running.url()));
    if let Some(session) = session {
        request = request.header("cookie", format!("{SESSION_COOKIE}={session}"));
    }
    let answer = request.send().await.unwrap();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), to, answer.text().await.unwrap())
}

#[tokio::test]
async fn who_knows_only_the_portal_has_no_account_at_atlassian() {
    let client = OauthClient { id: "client".to_owned(), secret: "secret".to_owned(), callback: CALLBACK.to_owned() };
    let site = Site::start(Config { oauth: vec![client], ..calm() }).await;
    let asked = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "client"), ("redirect_uri", CALLBACK), ("response_type", "code")])
        .extend_pairs([("audience", "api.atlassian.com"), ("state", "s"), ("scope", "read:jira-work")])
        .finish();
    let (ask, accept) = (format!("/authorize?{asked}"), format!("/authorize/accept?{asked}"));
    let agent = site.running.state().open_session(AGENT);
    let carla = site.running.state().open_session(CARLA);

    assert_eq!(goes(&site, Some(&agent), &ask).await.0, 200);
    let (status, to, _) = goes(&site, Some(&agent), &accept).await;
    assert!(status == 303 && to.starts_with(CALLBACK) && to.contains("code="), "{status} {to}");

    for path in [&ask, &accept] {
        let (status, to, page) = goes(&site, Some(&carla), path).await;
        assert_eq!((status, to.as_str()), (403, ""), "nobody is sent back with a code, or with anything");
        assert!(page.contains("There is no Atlassian account with your email address"), "{page}");
        // Whoever is somebody else comes back to the question.
        assert!(page.contains("authorize%3F"), "{page}");
    }
    // Whoever says no, and whoever is not there, is answered as before.
    let (_, to, _) = goes(&site, Some(&carla), &format!("{accept}&deny=1")).await;
    assert!(to.contains("error=access_denied"), "{to}");
    let (status, to, _) = goes(&site, None, &ask).await;
    assert!(status == 303 && to.starts_with("/?to="), "{status} {to}");

    // With an account at Atlassian one needs no licence.
    let own = |account: &mut sandbox::state::model::Account| {
        account.account_type = sandbox::state::model::AccountType::Atlassian;
    };
    site.running.state().edit_account(&sandbox::events::Actor::default(), CARLA, own).unwrap();
    assert!(!site.running.state().read().is_licensed(CARLA));
    assert_eq!(goes(&site, Some(&carla), &ask).await.0, 200);
}
