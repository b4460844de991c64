//! Tenants' states, and the key shelf.

use kernel::{KeyClass, Registry, Sealed, TenantId};
use store::tenants::{self, State};
use store::{SHELF_ROOM, shelf};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables::{self, start};

on_both_databases!(
    a_tenant_comes_once_and_what_is_gone_stays_gone,
    a_further_name_is_one_tenants,
    tenants_are_listed_in_pages,
    the_shelf_keeps_and_destroys,
    what_moves_is_written_to_the_end_and_then_no_more
);

async fn a_tenant_comes_once_and_what_is_gone_stays_gone(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let id = cx.tenant();
    let installation = format!("installation {id}");
    let told_again = tenants::NewTenant {
        id: TenantId::fresh(),
        installation: &installation,
        cloud: "cloud",
        mode: tenants::Mode::Forge,
        region: "us",
        site: Sealed::<String>::from_stored(vec![9]),
        at: start(),
    };
    assert!(!tenants::install(&store, told_again).await.unwrap());
    let found = tenants::by_installation::<String>(&store, &installation).await.unwrap().unwrap();
    assert_eq!((found.id, found.region.as_str(), found.state), (id, "eu", State::Active));
    assert!(tenants::by_installation::<String>(&store, "another").await.unwrap().is_none());
    assert!(tenants::by_id::<String>(&store, TenantId::fresh()).await.unwrap().is_none());

    for (state, changes) in [
        (State::Locked, true),
        (State::Active, true),
        (State::Gone, true),
        (State::Active, false),
        (State::Locked, false),
    ] {
        let mut scoped = store.write(&cx).await.unwrap();
        assert_eq!(tenants::set_state(&mut scoped, state, start()).await.unwrap(), changes);
        scoped.commit().await.unwrap();
        let expected = if changes { state } else { State::Gone };
        assert_eq!(tenants::state_of(&store, id).await.unwrap(), Some(expected));
    }
    let mut scoped = store.write(&cx).await.unwrap();
    tenants::set_site(&mut scoped, Sealed::<String>::from_stored(vec![7]), "elsewhere").await.unwrap();
    scoped.commit().await.unwrap();
    let found = tenants::by_id::<String>(&store, id).await.unwrap().unwrap();
    assert_eq!((found.cloud.as_str(), found.site.as_bytes()), ("elsewhere", [7].as_slice()));
    store.close().await;
}

async fn a_further_name_is_one_tenants(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let new = |id: TenantId| tenants::NewTenant {
        id,
        installation: Box::leak(format!("installation {id}").into_boxed_str()),
        cloud: "cloud",
        mode: tenants::Mode::Connect,
        region: "eu",
        site: Sealed::<String>::from_stored(vec![9]),
        at: start(),
    };
    let of = async |name: &str| tenants::by_name::<String>(&store, name).await.unwrap().map(|tenant| tenant.id);
    let name = format!("connect:{}", TenantId::fresh());
    let (first, second) = (TenantId::fresh(), TenantId::fresh());
    assert!(tenants::install_named(&store, new(first), &name).await.unwrap());
    assert!(!tenants::install_named(&store, new(second), &name).await.unwrap());
    assert!(tenants::by_id::<String>(&store, second).await.unwrap().is_none(), "nothing is half made");
    assert_eq!(of(&name).await, Some(first));

    let cx = tables::cx_at(first, start());
    let mut scoped = store.write(&cx).await.unwrap();
    let other = format!("{name} too");
    assert!(tenants::give_name(&mut scoped, &other, start()).await.unwrap());
    assert!(!tenants::give_name(&mut scoped, &name, start()).await.unwrap());
    assert!(tenants::set_mode(&mut scoped, tenants::Mode::Forge).await.unwrap());
    assert!(!tenants::set_mode(&mut scoped, tenants::Mode::Forge).await.unwrap(), "once");
    tenants::set_state(&mut scoped, State::Gone, start()).await.unwrap();
    scoped.commit().await.unwrap();
    assert_eq!(of(&other).await, Some(first));
    assert_eq!(tenants::by_id::<String>(&store, first).await.unwrap().unwrap().mode, tenants::Mode::Forge);

    assert!(tenants::install_named(&store, new(second), &name).await.unwrap(), "who left gives it up");
    assert_eq!(of(&name).await, Some(second));
    store.close().await;
}

async fn tenants_are_listed_in_pages(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(tables::tenant(&store).await);
    }
    let mut scoped = store.write(&made[3]).await.unwrap();
    tenants::set_state(&mut scoped, State::Locked, start()).await.unwrap();
    scoped.commit().await.unwrap();
    let mut all = Vec::new();
    let mut after = TenantId::SERVER;
    loop {
        let page = tenants::list::<String>(&store, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id;
        all.extend(page.iter().map(|tenant| tenant.id));
    }
    assert_eq!(all, made.iter().map(kernel::Cx::tenant).collect::<Vec<_>>());
    let active = tenants::list_ids(&mut store.server_read().await.unwrap(), TenantId::SERVER, 100).await.unwrap();
    assert_eq!(active.len(), 6);
    assert!(!active.contains(&made[3].tenant()));
    store.close().await;
}

async fn the_shelf_keeps_and_destroys(database: &Database) {
    let shelf = database.migrated(Registry::new(vec![SHELF_ROOM])).await;
    let (a, b) = (TenantId::fresh(), TenantId::fresh());
    for tenant in [a, b] {
        for version in 1..=3 {
            assert!(shelf::put_key(&shelf, tenant, KeyClass::Data, version, &[7], start()).await.unwrap());
        }
        assert!(!shelf::put_key(&shelf, tenant, KeyClass::Data, 2, &[8], start()).await.unwrap());
        assert!(shelf::put_key(&shelf, tenant, KeyClass::Names, 1, &[9], start()).await.unwrap());
        assert_eq!(shelf::put_salt(&shelf, tenant, "alice", &[1], start()).await.unwrap(), [1]);
        // Whoever comes second gets the one that stands.
        assert_eq!(shelf::put_salt(&shelf, tenant, "alice", &[2], start()).await.unwrap(), [1]);
        shelf::put_salt(&shelf, tenant, "bob", &[3], start()).await.unwrap();
    }
    let keys = shelf::keys(&shelf, a, KeyClass::Data).await.unwrap();
    let read: Vec<_> = keys.iter().map(|key| (key.version, key.wrapped.clone(), key.retired_at.is_some())).collect();
    assert_eq!(read, [(1, vec![7], true), (2, vec![7], true), (3, vec![7], false)]);
    shelf::drop_key(&shelf, a, KeyClass::Data, 2).await.unwrap();
    assert_eq!(shelf::keys(&shelf, a, KeyClass::Data).await.unwrap().len(), 2);
    assert!(shelf::drop_salt(&shelf, a, "alice").await.unwrap());
    assert!(!shelf::drop_salt(&shelf, a, "alice").await.unwrap());
    assert_eq!(shelf::salt(&shelf, a, "alice").await.unwrap(), None);
    assert_eq!(shelf::salt(&shelf, b, "alice").await.unwrap(), Some(vec![1]));
    let mut listed = shelf::tenants(&shelf, TenantId::SERVER, 10).await.unwrap();
    listed.sort();
    assert_eq!(listed, [a, b]);
    assert_eq!(shelf::drop_tenant(&shelf, a).await.unwrap(), (3, 1));
    assert_eq!(shelf::drop_tenant(&shelf, a).await.unwrap(), (0, 0));
    assert!(shelf::keys(&shelf, a, KeyClass::Data).await.unwrap().is_empty());
    assert_eq!(shelf::keys(&shelf, b, KeyClass::Data).await.unwrap().len(), 3);
    assert_eq!(shelf::drop_tenant(&shelf, b).await.unwrap(), (4, 2));
    shelf.close().await;
}

/// Whoever stops a tenant waits for what was begun before, and nothing begins after.
async fn what_moves_is_written_to_the_end_and_then_no_more(database: &Database) {
    use store::realm::moves;
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let mut before = store.write(&cx).await.unwrap();
    assert!(tenants::give_name(&mut before, "before", start()).await.unwrap());
    // A task of its own: what waits for its turn among SQLite's writers must be polled when the turn comes.
    let (in_the_store, of_the_tenant) = (store.clone(), cx.clone());
    let mut stopping = tokio::spawn(async move {
        let mut scoped = in_the_store.beyond(&of_the_tenant).await.unwrap();
        assert_eq!(moves::hold(&mut scoped).await.unwrap(), Some(State::Active));
        assert!(moves::turn(&mut scoped, &of_the_tenant, State::Active, State::Moving).await.unwrap());
        scoped.commit().await.unwrap();
    });
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut stopping).await;
    assert!(early.is_err(), "it did not wait for who writes");
    before.commit().await.unwrap();
    stopping.await.unwrap();
    assert!(tenants::by_name::<String>(&store, "before").await.unwrap().is_some());

    let refused = async |what: &str, fault: kernel::Result<store::Scoped>| {
        assert_eq!(fault.err().map(|fault| fault.code()), Some("site_moving"), "{what}");
    };
    refused("moving", store.write(&cx).await).await;
    store.note(&cx).await.unwrap().commit().await.unwrap();
    store.read(&cx).await.unwrap();
    for (from, to) in [(State::Moving, State::Moved), (State::Moved, State::Arriving)] {
        let mut scoped = store.beyond(&cx).await.unwrap();
        assert!(!moves::turn(&mut scoped, &cx, State::Active, to).await.unwrap());
        assert!(moves::turn(&mut scoped, &cx, from, to).await.unwrap());
        scoped.commit().await.unwrap();
        refused("closed", store.write(&cx).await).await;
        refused("closed", store.note(&cx).await).await;
    }
    store.close().await;
}
