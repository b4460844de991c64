//! The databases from inside: rows that must agree, and jobs that must still be there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::{Clock, Cx, SystemClock, TenantId};
use steward::program;
use store::{Store, args, changes, ledger, tenants};

use super::Experiment;

impl Experiment {
    /// Looks into the databases while nobody serves. What PostgreSQL keeps of its own files is its affair: it was not
    /// killed.
    pub(super) async fn look_inside(&mut self, goes_on: bool) {
        let store = self.store().await;
        let shelf = Store::open(&self.config.shelf_url(), program::shelf_registry()).await.unwrap();
        if self.databases.is_empty() {
            for store in [&store, &shelf] {
                let mut server = store.server_read().await.unwrap();
                let sound = server.row("PRAGMA integrity_check", Vec::new()).await.unwrap().unwrap();
                assert_eq!(sound.text("integrity_check").unwrap(), "ok");
                assert!(server.row("PRAGMA foreign_key_check", Vec::new()).await.unwrap().is_none());
            }
        }
        let tenant = tenants::list::<host::Site>(&store, TenantId::SERVER, 2).await.unwrap().first().unwrap().id;
        let changes = self.rows_agree(&store, tenant).await;
        if !goes_on {
            assert_eq!(changes, self.owners.iter().map(|owner| owner.log.len()).sum::<usize>());
        }
        self.look_at_jobs(&store, goes_on).await;
        store.close().await;
        shelf.close().await;
    }

    /// Each value has exactly its history, and the change sequence and the ledger say the same. Answers how many
    /// changes there are.
    async fn rows_agree(&self, store: &Store, tenant: TenantId) -> usize {
        const ROWS: [(&str, &str, &str); 2] = [
            (
                "customer",
                "SELECT owner, field, version FROM customer_value WHERE tenant = $1",
                "SELECT owner, field, id AS version FROM customer_history WHERE tenant = $1 ORDER BY id",
            ),
            (
                "organization",
                "SELECT owner, field, version FROM organization_value WHERE tenant = $1",
                "SELECT owner, field, id AS version FROM organization_history WHERE tenant = $1 ORDER BY id",
            ),
        ];
        let actor = kernel::Actor::System("test");
        let cx =
            Cx::mint(tenant, actor, kernel::Standing::default(), Arc::new(SystemClock), kernel::RequestId::fresh());
        let mut scoped = store.read(&cx).await.unwrap();
        let (mut last, mut versions) = (BTreeMap::new(), BTreeSet::new());
        for (entity, values, histories) in ROWS {
            let mut newest = [BTreeMap::new(), BTreeMap::new()];
            for (newest, words) in newest.iter_mut().zip([values, histories]) {
                for row in scoped.rows(words, Vec::new()).await.unwrap() {
                    let (owner, version) = (row.text("owner").unwrap(), row.int("version").unwrap());
                    newest.insert((owner.clone(), row.uuid("field").unwrap()), version);
                    if words == histories {
                        assert!(versions.insert(version), "two changes of one version");
                        last.insert((entity.to_owned(), owner), version);
                    }
                }
            }
            let [values, histories] = newest;
            assert_eq!(values, histories, "a value is not what its history ends with");
        }
        let mut noted = changes::since(&mut scoped, 0, u32::MAX).await.unwrap();
        let sequence = noted.last().unwrap().seq;
        noted.retain(|change| ["customer", "organization"].contains(&change.kind.as_str()));
        let noted: BTreeMap<_, _> =
            noted.into_iter().map(|change| ((change.kind, change.row_id), change.seq)).collect();
        assert_eq!(noted, last, "the change sequence does not say what the histories say");
        let entries = ledger::list(&mut scoped, 0, u32::MAX).await.unwrap();
        assert_eq!(ledger::first_break(&entries), None);
        let written = entries.iter().filter(|entry| entry.kind == "customers.value_set").count();
        assert_eq!(written, versions.len(), "the ledger does not have each change once");
        let head = "SELECT ledger_seq, ledger_hash, change_seq FROM tenant WHERE tenant = $1";
        let head = scoped.row(head, Vec::new()).await.unwrap().unwrap();
        assert_eq!(head.int("change_seq").unwrap(), sequence);
        assert_eq!(head.int("ledger_seq").unwrap(), i64::try_from(entries.len()).unwrap());
        assert_eq!(head.bytes("ledger_hash").unwrap(), entries.last().unwrap().hash);
        versions.len()
    }

    /// No job vanished, none was laid aside, and a schedule moved if and only if its job is there. While it goes on,
    /// all schedules are made due, so that their jobs begin, and are killed too.
    async fn look_at_jobs(&mut self, store: &Store, goes_on: bool) {
        let mut server = store.server_write().await.unwrap();
        let mut jobs = BTreeMap::new();
        for row in server.rows("SELECT kind, key, state FROM job", Vec::new()).await.unwrap() {
            let key = (row.text("kind").unwrap(), row.text("key").unwrap());
            jobs.insert(key, row.text("state").unwrap());
        }
        let lost: Vec<_> = self.jobs.iter().filter(|known| !jobs.contains_key(known)).collect();
        assert!(lost.is_empty(), "jobs are lost: {lost:?}");
        let wrong = |state: &String| if goes_on { state == "dead" } else { state != "done" };
        assert!(!jobs.values().any(wrong), "{jobs:#?}");
        let mut schedules = BTreeMap::new();
        for row in server.rows("SELECT name, next_at FROM schedule", Vec::new()).await.unwrap() {
            schedules.insert(row.text("name").unwrap(), row.int("next_at").unwrap());
        }
        for (name, due) in &self.due {
            let moved = schedules.get(name).expect("a schedule is lost") != due;
            assert_eq!(jobs.contains_key(&(name.clone(), format!("schedule {due}"))), moved, "{name}");
        }
        if goes_on {
            let now = SystemClock.now();
            server.run("UPDATE schedule SET next_at = $1", args![now]).await.unwrap();
            self.due = schedules.into_keys().map(|name| (name, kernel::micros(now))).collect();
        }
        self.jobs = jobs.into_keys().collect();
        server.commit().await.unwrap();
    }
}
