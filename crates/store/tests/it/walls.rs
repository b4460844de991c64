//! No statement reaches another tenant's rows: `Scoped` binds the tenant, and PostgreSQL holds the wall a second time.

use sqlx::{Connection, Executor, PgConnection, Row};
use store::{StoreUrl, args};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables::{self, add, ids, put, start};

on_both_databases!(
    a_tenant_sees_its_own,
    many_rows_are_a_tenant_s_own,
    a_statement_without_a_tenant_is_refused,
    a_reader_cannot_write
);

async fn a_tenant_sees_its_own(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (a, b) = (tables::tenant(&store).await, tables::tenant(&store).await);
    for (cx, id) in [(&a, 1), (&a, 2), (&b, 1), (&b, 3)] {
        add(&store, cx, id).await.unwrap();
    }
    assert_eq!(ids(&store, &a).await, [1, 2]);
    assert_eq!(ids(&store, &b).await, [1, 3]);
    let mut scoped = store.write(&b).await.unwrap();
    assert_eq!(scoped.run("DELETE FROM note WHERE tenant = $1 AND id = $2", args![2i64]).await.unwrap(), 0);
    assert_eq!(scoped.tenant(), b.tenant());
    scoped.commit().await.unwrap();
    assert_eq!(ids(&store, &a).await, [1, 2]);
    store.close().await;
}

async fn many_rows_are_a_tenant_s_own(database: &Database) {
    const INSERT: &str = "INSERT INTO note (tenant, id, person, text, done, at) VALUES {rows} \
         ON CONFLICT (tenant, id) DO NOTHING";
    const DONE: &str = "WITH new (tenant, id, done) AS (VALUES {rows}) \
         INSERT INTO note (tenant, id, person, text, done, at) \
         SELECT held.tenant, held.id, held.person, held.text, new.done, held.at FROM new CROSS JOIN note AS held \
         WHERE new.tenant = $1 AND held.tenant = new.tenant AND held.id = new.id \
         ON CONFLICT (tenant, id) DO UPDATE SET done = excluded.done";
    const OF: &str = "WITH asked (tenant, id) AS (VALUES {rows}) SELECT held.id, done FROM asked CROSS JOIN note AS held \
         WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.id = asked.id";
    let store = database.migrated(tables::registry()).await;
    let (a, b) = (tables::tenant(&store).await, tables::tenant(&store).await);
    for cx in [&a, &b] {
        let mut scoped = store.write(cx).await.unwrap();
        // More than one statement of the largest size, and some of each smaller one.
        let rows = |from: i64| (from..700).map(|id| args![id, "alice", vec![0u8], false, cx.now()]).collect();
        assert_eq!(scoped.run_rows(INSERT, rows(10)).await.unwrap(), 690);
        assert_eq!(scoped.run_rows(INSERT, rows(0)).await.unwrap(), 10);
        scoped.commit().await.unwrap();
    }
    let mut scoped = store.write(&b).await.unwrap();
    assert_eq!(scoped.run_rows(DONE, (690..720).map(|id| args![id as i64, true]).collect()).await.unwrap(), 10);
    assert_eq!(scoped.run_rows(DONE, Vec::new()).await.unwrap(), 0);
    let without = scoped.run_rows("DELETE FROM note WHERE tenant = $1", vec![args![1i64]]).await;
    assert_eq!(without.unwrap_err().code(), "store_rows");
    scoped.commit().await.unwrap();
    if matches!(database.url, StoreUrl::Sqlite(_)) {
        // By the key, and not by the tenant's rows one after the other, however many are asked for.
        let ordered: &'static str = format!("{OF} ORDER BY held.id, done").leak();
        for (text, many) in [OF, ordered, DONE].into_iter().flat_map(|text| [1, 40, 100, 512].map(|many| (text, many)))
        {
            let row = |id: i64| args![id, true].into_iter().take(if text == DONE { 2 } else { 1 }).collect();
            let asked: Vec<_> = (0..many).map(row).collect();
            let explained: &'static str = format!("EXPLAIN QUERY PLAN {text}").leak();
            let plan = store.read(&a).await.unwrap().rows_of(explained, &asked).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
            let by_key = |step: &&String| step.starts_with("SEARCH held ") && step.ends_with("(tenant=? AND id=?)");
            assert_eq!(plan.iter().filter(by_key).count(), 1, "{many}: {plan:?}");
            assert!(!plan.iter().any(|step| step.contains("AUTOMATIC")), "{many}: {plan:?}");
        }
    }
    for (cx, done) in [(&a, 0), (&b, 10)] {
        let keys: Vec<_> = (-5..703).map(|id| args![id as i64]).collect();
        let found = store.read(cx).await.unwrap().rows_of(OF, &keys).await.unwrap();
        assert_eq!(found.len(), 700);
        assert_eq!(found.iter().filter(|row| row.bool("done").unwrap()).count(), done);
        assert!(store.read(cx).await.unwrap().rows_of(OF, &[]).await.unwrap().is_empty());
    }
    store.close().await;
}

async fn a_statement_without_a_tenant_is_refused(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 1).await.unwrap();
    let mut scoped = store.write(&cx).await.unwrap();
    assert_eq!(scoped.rows("SELECT id FROM note", args![]).await.err().unwrap().code(), "store_unscoped");
    assert_eq!(scoped.run("DELETE FROM note", args![]).await.unwrap_err().code(), "store_unscoped");
    assert_eq!(scoped.row(("SELECT id FROM note", "SELECT $1"), args![]).await.err().unwrap().code(), "store_unscoped");
    assert_eq!(scoped.row(("SELECT $1", "SELECT id FROM note"), args![]).await.err().unwrap().code(), "store_unscoped");
    scoped.commit().await.unwrap();
    assert_eq!(ids(&store, &cx).await, [1]);
    store.close().await;
}

async fn a_reader_cannot_write(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let mut scoped = store.read(&cx).await.unwrap();
    let wrote = put(&mut scoped, &cx, 1).await;
    if matches!(database.url, StoreUrl::Sqlite(_)) {
        assert_eq!(wrote.unwrap_err().code(), "store_read_only");
    }
    drop(scoped);
    // On PostgreSQL a reader that is dropped takes back whatever it did.
    assert!(ids(&store, &cx).await.is_empty());
    store.close().await;
}

/// A statement of ours that forgot its tenant: row-level security lets it see its own tenant's rows and no others.
#[tokio::test]
async fn postgres_holds_the_wall_when_a_statement_does_not() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.migrated(tables::registry()).await;
    let (a, b) = (tables::tenant(&store).await, tables::tenant(&store).await);
    add(&store, &a, 1).await.unwrap();
    add(&store, &b, 2).await.unwrap();

    let mut scoped = store.write(&b).await.unwrap();
    let everyone = "SELECT id FROM note WHERE $1::uuid IS NOT NULL";
    let seen: Vec<i64> =
        scoped.rows(everyone, args![]).await.unwrap().iter().map(|row| row.int("id").unwrap()).collect();
    assert_eq!(seen, [2]);
    let (wide_update, wide_delete) =
        ("UPDATE note SET done = true WHERE $1::uuid IS NOT NULL", "DELETE FROM note WHERE $1::uuid <> tenant");
    assert_eq!(scoped.run(wide_update, args![]).await.unwrap(), 1);
    assert_eq!(scoped.run(wide_delete, args![]).await.unwrap(), 0);
    scoped.commit().await.unwrap();

    let mut scoped = store.write(&b).await.unwrap();
    let elsewhere = "INSERT INTO note (tenant, id, person, text, done, at) SELECT $2, 9, 'x', ''::bytea, false, 0 \
         WHERE $1::uuid IS NOT NULL";
    assert!(scoped.run(elsewhere, args![a.tenant()]).await.is_err());
    drop(scoped);
    let mut scoped = store.write(&b).await.unwrap();
    assert!(scoped.run("UPDATE note SET tenant = $2 WHERE tenant = $1", args![a.tenant()]).await.is_err());
    drop(scoped);

    // A connection that served a tenant serves nobody when it is used without one.
    for _ in 0..40 {
        let mut server = store.server_read().await.unwrap();
        let row = server.row("SELECT count(*) AS n FROM note", args![]).await.unwrap().unwrap();
        assert_eq!(row.int("n").unwrap(), 0);
    }
    assert_eq!(ids(&store, &a).await, [1]);
    store.close().await;
    database.remove().await;
}

/// Somebody with the program's own password and a client of their own.
#[tokio::test]
async fn a_raw_connection_sees_nothing_without_the_right_tenant() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.migrated(tables::registry()).await;
    let (a, b) = (tables::tenant(&store).await, tables::tenant(&store).await);
    add(&store, &a, 1).await.unwrap();
    let StoreUrl::Postgres(url) = &database.url else { return };
    let mut raw = PgConnection::connect(url).await.unwrap();
    let bound: bool = raw
        .fetch_one("SELECT NOT (rolsuper OR rolbypassrls) AS bound FROM pg_roles WHERE rolname = current_user")
        .await
        .unwrap()
        .get("bound");
    assert!(bound, "the role of the tests must be one that row-level security binds");

    // Every table that is a tenant's has the wall, also for its owner.
    let walled: Vec<String> = raw
        .fetch_all("SELECT relname::text AS name FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY 1")
        .await
        .unwrap()
        .iter()
        .map(|row| row.get("name"))
        .collect();
    let mut expected: Vec<String> = tables::registry()
        .tables()
        .filter(|table| table.scope == kernel::Scope::Tenant)
        .map(|table| table.name.to_owned())
        .collect();
    expected.sort();
    assert_eq!(walled, expected);

    let b_id = b.tenant().to_string();
    for setting in ["", "00000000-0000-0000-0000-000000000000", &b_id] {
        if !setting.is_empty() {
            let set = sqlx::query("SELECT set_config('steward.tenant', $1, false)").bind(setting.to_owned());
            raw.execute(set).await.unwrap();
        }
        for table in ["note", "ledger", "change"] {
            let count = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT count(*) AS n FROM {table}")));
            assert_eq!(raw.fetch_one(count).await.unwrap().get::<i64, _>("n"), 0, "{table} with {setting:?}");
        }
        assert_eq!(raw.execute("DELETE FROM note").await.unwrap().rows_affected(), 0);
        let insert =
            sqlx::query("INSERT INTO note (tenant, id, person, text, done, at) VALUES ($1, 5, 'x', '', false, 0)");
        assert!(raw.execute(insert.bind(a.tenant().0)).await.is_err());
    }
    assert_eq!(ids(&store, &a).await, [1]);
    assert_eq!(a.now(), start());
    store.close().await;
    database.remove().await;
}
