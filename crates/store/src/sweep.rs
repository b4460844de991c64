//! What goes by age, and what goes with its tenant: read from the registry, so that a new table is swept
//! without a line here.

use jiff::{SignedDuration, Timestamp};
use kernel::{DataClass, Result, Retention, Scope, Table, TenantId};

use crate::scoped::Scoped;
use crate::stores::Store;
use crate::{args, tenants};

/// Something of tenants' that lies outside the databases.
#[async_trait::async_trait]
pub trait TenantFiles: Send + Sync {
    /// Takes away all that is a tenant's; answers how many files. Repeatable.
    async fn remove(&self, tenant: TenantId) -> Result<u64>;
}

/// How much sooner than promised a row goes: the sweep comes now and then, and a row must not be found older than its
/// class allows in between. An hour, or a third of a shorter life.
const EARLY: SignedDuration = SignedDuration::from_hours(1);

/// The shortest life that any class in the table has, less what it goes early.
fn life(table: &Table) -> Option<SignedDuration> {
    let shortest = table.columns.iter().filter_map(|column| class_life(column.class)).min()?;
    Some(shortest - EARLY.min(shortest / 3))
}

fn class_life(class: &DataClass) -> Option<SignedDuration> {
    match class.retention {
        Retention::Days(days) => Some(SignedDuration::from_hours(24 * i64::from(days))),
        Retention::Minutes(minutes) => Some(SignedDuration::from_mins(i64::from(minutes))),
        Retention::Tenancy | Retention::Server => None,
    }
}

/// Deletes what has outlived its class, for one tenant ([`TenantId::SERVER`] for the server's own tables).
/// Answers how many rows of which table.
pub async fn expired(store: &Store, tenant: TenantId, now: Timestamp) -> Result<Vec<(&'static str, u64)>> {
    let mut gone = Vec::new();
    let scope = if tenant == TenantId::SERVER { Scope::Server } else { Scope::Tenant };
    let due: Vec<(&'static Table, SignedDuration, &'static str)> = store
        .registry()
        .tables()
        .filter(|table| table.scope == scope)
        .filter_map(|table| Some((table, life(table)?, table.written_at?)))
        .collect();
    for (table, life, written_at) in due {
        let before = now.checked_sub(life).unwrap_or(Timestamp::MIN);
        let count = if scope == Scope::Server {
            let mut server = store.server_write().await?;
            let words = format!("DELETE FROM {} WHERE {written_at} < {}", table.name, kernel::micros(before));
            let count = server.made_run(words).await?;
            server.commit().await?;
            count
        } else {
            let mut scoped = store.scoped(tenant, true).await?;
            let words = format!("DELETE FROM {} WHERE tenant = $1 AND {written_at} < $2", table.name);
            let count = scoped.made_run(words, args![before]).await?;
            scoped.commit().await?;
            count
        };
        gone.push((table.name, count));
    }
    Ok(gone)
}

/// What a departed tenant keeps until its receipt is written: itself, the ledger that the receipt goes on, and the
/// queue, where the work that ends in the receipt stands.
const UNTIL_THE_RECEIPT: [&str; 3] = ["tenant", "ledger", QUEUE];
const QUEUE: &str = "job";
const DROP_QUEUE: &str = "DELETE FROM job WHERE tenant = $1";

/// Deletes the rows of a tenant that left, in every table but those of [`tenant_last_rows`], each in a transaction of
/// its own. Repeatable. Answers how many rows of which table.
pub async fn tenant_rows(store: &Store, tenant: TenantId) -> Result<Vec<(&'static str, u64)>> {
    let mut gone = Vec::new();
    let tables: Vec<&'static Table> = store
        .registry()
        .tables()
        .filter(|table| !UNTIL_THE_RECEIPT.contains(&table.name))
        .filter(|table| table.columns.iter().any(|column| column.name == "tenant"))
        .collect();
    for table in tables {
        let mut scoped = store.scoped(tenant, true).await?;
        let count = scoped.made_run(format!("DELETE FROM {} WHERE tenant = $1", table.name), Vec::new()).await?;
        scoped.commit().await?;
        gone.push((table.name, count));
    }
    Ok(gone)
}

/// Deletes the tenant's jobs and its site's addresses, in the transaction that writes the receipt: what is cut before
/// it is done again, and what comes after it finds nothing. The tenant's id and its ledger stay.
pub async fn tenant_last_rows(store: &Store, scoped: &mut Scoped) -> Result<u64> {
    tenants::clear_site(scoped).await?;
    if store.registry().tables().all(|table| table.name != QUEUE) {
        return Ok(0);
    }
    scoped.run(DROP_QUEUE, Vec::new()).await
}

/// How many rows a tenant has, by table: what a departed tenant must no longer have.
pub async fn tenant_row_count(store: &Store, tenant: TenantId) -> Result<Vec<(&'static str, i64)>> {
    let mut counts = Vec::new();
    let tables: Vec<&'static Table> =
        store.registry().tables().filter(|table| table.columns.iter().any(|column| column.name == "tenant")).collect();
    let mut scoped = store.scoped(tenant, false).await?;
    for table in tables {
        let words = format!("SELECT COUNT(*) AS n FROM {} WHERE tenant = $1", table.name);
        for row in scoped.made(words, Vec::new()).await? {
            counts.push((table.name, row.int("n")?));
        }
    }
    Ok(counts)
}
