//! Canaries in the names and addresses of people whom an import makes, and of those whom it does not.

use serde_json::json;

use super::{Canaries, checked};
use crate::imports::Importing;
use crate::world::World;

/// Files that name people who are not in Jira yet: one carried out, one left where it is staged.
pub(super) async fn make_people(world: &World, canaries: &mut Canaries) {
    for carried_out in [true, false] {
        let mut plant = |what| canaries.plant(what);
        let (address, name, wrong) = (plant("newcomer"), plant("newname"), plant("noaddress"));
        let file = format!("E-mail,Name\n{address}@example.com,{name}\n{address}@localhost,{name}\n{wrong},{name}\n");
        let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
        import.checks_as_suggested(json!({"makeCustomers": {}})).await;
        if carried_out {
            import.runs().await;
            checked(canaries, world.admin().get(&import.at(&format!("/made?cursor={address}"))).await);
            import.does("undo").await;
        }
        let places =
            json!({"columns": ["email", null], "makeCustomers": {"projectIds": [address], "organizationIds": [name]}});
        checked(canaries, world.admin().post(&import.at("/check"), places).await);
    }
}
