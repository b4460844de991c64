//! The id of a message on a comment: written with it as the app, set after it where somebody comments as customers do, and in both cases what it is found by
//! again. On a site of each kind.

use host::client::{As, IssueRef, Jira, NewComment, PropertyKey};
use host::markup::Document;
use kernel::{AccountId, Kind};
use serde_json::json;

use crate::walls::on_sites;
use crate::world::{Joined, World};

on_sites!(
    forge Forge: a_message_is_found_by_its_id;
    connect Connect: a_message_is_found_by_its_id;
    cloud_by_token CloudToken: a_message_is_found_by_its_id;
    data_center DataCenter: a_message_is_found_by_its_id;
);

async fn a_message_is_found_by_its_id(world: &World, joined: Joined) {
    let cx = world.reader().await;
    let app = Jira::for_tenant(&world.program.host().cloud, &cx, As::App);
    let issue = IssueRef::parse(&world.issue()).unwrap();
    let key = PropertyKey::new("steward.message").unwrap();
    let message = |number: u32| json!({"id": format!("m-{number}"), "from": {"part": number}});

    // As the app: one call.
    let new = |number, public| NewComment {
        body: Document::from_text("It is on its way."),
        public,
        properties: vec![(key.clone(), message(number))],
    };
    let first = app.add_comment(&issue, new(1, true)).await.unwrap();
    let second = app.add_comment(&issue, new(2, false)).await.unwrap();
    for (written, number, public) in [(&first, 1, true), (&second, 2, false)] {
        assert_eq!(app.comment_property(&written.id, &key).await.unwrap(), Some(message(number)));
        let found = app.comment_with(&issue, &key, &message(number)).await.unwrap().unwrap();
        // Data Center says it of what customers do not see.
        let told = (joined != Joined::DataCenter || !public).then_some(public);
        assert_eq!((&found.id, found.public), (&written.id, told));
        assert_eq!(found.body.text(), "It is on its way.");
    }
    assert!(app.comment_with(&issue, &key, &message(3)).await.unwrap().is_none());
    let other = PropertyKey::new("steward.other").unwrap();
    assert!(app.comment_with(&issue, &other, &message(1)).await.unwrap().is_none());
    assert_eq!(app.comment_property(&first.id, &other).await.unwrap(), None);

    // As a customer: the comment, then what it carries. Forge alone lets Steward write as one.
    let words = Document::from_text("Thank you.\n\nIt works.");
    let account = AccountId::new(world.jira.visitor("customer").unwrap().account_id).unwrap();
    let (said, author) = match joined {
        Joined::Forge => {
            let customer = app.acting(As::Person(account.clone()));
            let said = customer.add_request_comment(&issue, &words, true).await.unwrap();
            let own = customer.set_comment_property(&issue, &said, &key, &message(3)).await.unwrap_err();
            assert_eq!(own.kind(), Kind::NotFound, "customers see no comment of the platform's");
            (said, Some(account))
        }
        Joined::Connect => {
            let customer = app.acting(As::Person(account));
            let refused = customer.add_request_comment(&issue, &words, true).await.unwrap_err();
            assert_eq!(refused.kind(), Kind::Refused);
            (app.add_request_comment(&issue, &words, true).await.unwrap(), None)
        }
        Joined::CloudToken | Joined::DataCenter => (app.add_request_comment(&issue, &words, true).await.unwrap(), None),
    };
    assert!(app.comment_with(&issue, &key, &message(3)).await.unwrap().is_none(), "it carries nothing yet");
    for _ in 0..2 {
        app.set_comment_property(&issue, &said, &key, &message(3)).await.unwrap();
    }
    let found = app.comment_with(&issue, &key, &message(3)).await.unwrap().unwrap();
    assert_eq!((&found.id, found.public), (&said, (joined != Joined::DataCenter).then_some(true)));
    assert_eq!(found.body.text(), "Thank you.\nIt works.");
    assert!(author.is_none() || found.author == author);
    let number: u64 = said.as_str().parse().unwrap();
    let state = world.jira.state();
    let store = state.read();
    let carrying =
        store.issue(issue.as_str()).unwrap().comments.iter().filter(|one| one.properties.contains_key(key.as_str()));
    assert_eq!(carrying.map(|one| one.id).collect::<Vec<_>>().last(), Some(&number));
}
