//! Canaries in everything that has to do with signing in by a token.

use serde_json::json;

use super::{SignKey, Visitor};
use crate::leaks::{Canaries, checked};
use crate::world::World;

/// A key's name and secret, tokens that open something and tokens that do not, and whom they are about.
pub(crate) async fn use_a_customers_site(world: &World, canaries: &mut Canaries) {
    let admin = world.admin();
    let wanted = json!({"name": canaries.plant("signer")});
    let made = admin.post("/api/v1/customer-keys", wanted).await.expect(201).body;
    let key = SignKey::of(world, &made, &admin.get("/api/v1/customer-keys").await.expect(200).body);
    canaries.0.push(key.secret.splitn(3, '_').nth(2).unwrap().to_owned());
    let address = format!("{}@example.com", canaries.plant("comer"));
    let nobody = sandbox::events::Actor::default();
    let state = world.jira.state();
    let account = state.create_customer(&nobody, &address, &canaries.plant("comername")).unwrap().account_id;
    let seen = |account: &mut sandbox::state::model::Account| account.email_visible = true;
    state.edit_account(&nobody, &account, seen).unwrap();
    // Data Center knows no kinds of accounts: whoever is a customer of some desk is one.
    let desk = state.read().service_desks.keys().next().unwrap().clone();
    state.change_desk_customers(&desk, std::slice::from_ref(&account), &[]).unwrap();
    let mut visitor = Visitor::of(world);
    let token = key.token(&address);
    canaries.0.extend(token.split('.').skip(1).map(str::to_owned));
    visitor.posts(&key, &token, None).await.expect(200);
    canaries.0.push(visitor.cookie_value().splitn(3, '_').nth(2).unwrap().to_owned());
    visitor.gets("/api/v1/me").await.expect(200);
    visitor.gets("/api/v1/me/requests").await.expect(200);
    visitor.gets("/api/v1/me/organizations").await.expect(200);
    for token in [token, key.token(&format!("{}@example.com", canaries.plant("stranger"))), canaries.plant("notoken")] {
        let place = canaries.plant("place");
        checked(canaries, visitor.posts(&key, &token, Some(&format!("https://{place}.example"))).await);
    }
    let word = canaries.plant("wrong");
    for body in
        [json!({"name": word, "publicKey": word}), json!({"name": word.repeat(20)}), json!({"name": "x", &word: 1})]
    {
        checked(canaries, admin.post("/api/v1/customer-keys", body).await);
    }
    for own in ["requests", "organizations"] {
        checked(canaries, visitor.gets(&format!("/api/v1/me/{own}?cursor={word}")).await);
    }
}
