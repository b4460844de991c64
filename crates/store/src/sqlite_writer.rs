//! SQLite's one writer: transactions queue for one connection and share commits.
//!
//! Each caller runs inside its own savepoint of one open `BEGIN IMMEDIATE`. When it is done it lets
//! the connection go and waits; the committer queues behind those already waiting, so one fsync
//! acknowledges all that came in the meantime. Nobody is acknowledged before that fsync.
//!
//! A caller that vanishes in the middle (a dropped request) leaves its savepoint open; `dirty` says
//! so, and whoever holds the connection next, the committer at the latest, rolls it back first.

use std::sync::Arc;

use kernel::{Fault, Result};
use sqlx::Executor;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, watch};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Pending,
    Committed,
    Failed,
}

pub(crate) struct Inner {
    conn: SqliteConnection,
    batch: Option<watch::Sender<Outcome>>,
    dirty: bool,
}

/// The writer; cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    inner: Arc<Mutex<Inner>>,
    wake: Arc<Notify>,
}

/// The connection, held by one transaction. Dropped, it wakes the committer, which ends the batch, so that an idle
/// server holds no lock: fields drop in their order, the guard first.
pub(crate) struct Held {
    inner: OwnedMutexGuard<Inner>,
    _wake: WakeOnDrop,
}

struct WakeOnDrop(Arc<Notify>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Writer {
    pub(crate) fn start(conn: SqliteConnection) -> Self {
        let writer = Self {
            inner: Arc::new(Mutex::new(Inner { conn, batch: None, dirty: false })),
            wake: Arc::new(Notify::new()),
        };
        let committer = Arc::downgrade(&writer.inner);
        let wake = writer.wake.clone();
        tokio::spawn(async move {
            loop {
                wake.notified().await;
                let Some(inner) = committer.upgrade() else { return };
                inner.lock_owned().await.commit_batch().await;
            }
        });
        writer
    }

    pub(crate) async fn begin(&self) -> Result<Held> {
        let mut inner = self.inner.clone().lock_owned().await;
        inner.clean().await;
        // Noted before it is done: a caller that vanishes at one of these awaits leaves it half done.
        inner.dirty = true;
        if inner.batch.is_none() {
            inner.batch = Some(watch::Sender::new(Outcome::Pending));
            inner.run("BEGIN IMMEDIATE").await.map_err(unavailable)?;
        }
        inner.run("SAVEPOINT one").await.map_err(unavailable)?;
        Ok(Held { inner, _wake: WakeOnDrop(self.wake.clone()) })
    }

    /// Commits what is pending and empties the write-ahead log, where what was deleted would lie on.
    pub(crate) async fn truncate_log(&self) -> Result<()> {
        let mut inner = self.inner.lock().await;
        inner.commit_batch().await;
        inner.run("PRAGMA wal_checkpoint(TRUNCATE)").await.map_err(unavailable)
    }

    /// Commits what is pending and closes the connection.
    pub(crate) async fn close(&self) {
        let mut inner = self.inner.lock().await;
        inner.commit_batch().await;
        let _ = inner.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The committer ends when it wakes and finds no writer left.
        self.wake.notify_one();
    }
}

impl Inner {
    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.conn.execute(sql).await.map(|_| ())
    }

    /// Takes back what a vanished or failed caller left. If even that fails, SQLite has rolled the
    /// whole batch back by itself (disk full, I/O error), and everyone in it is told.
    async fn clean(&mut self) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        let undone = match self.run("ROLLBACK TO one").await {
            Ok(()) => self.run("RELEASE one").await,
            Err(error) => Err(error),
        };
        if undone.is_err() {
            self.fail_batch().await;
        }
    }

    async fn fail_batch(&mut self) {
        // Fails when SQLite has rolled back already, which is the state wanted.
        let _ = self.run("ROLLBACK").await;
        if let Some(batch) = self.batch.take() {
            batch.send_replace(Outcome::Failed);
        }
    }

    async fn commit_batch(&mut self) {
        self.clean().await;
        let Some(batch) = self.batch.take() else { return };
        if let Err(error) = self.run("COMMIT").await {
            tracing::error!(event = "store_commit_failed", error = %error);
            self.batch = Some(batch);
            self.fail_batch().await;
        } else {
            batch.send_replace(Outcome::Committed);
        }
    }
}

impl Held {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.inner.conn
    }

    /// Ends the savepoint and waits for the shared commit.
    pub(crate) async fn commit(mut self) -> Result<()> {
        // From here on a caller that vanishes has asked for its commit and gets it: to take back a savepoint that was
        // released already would take back the whole batch.
        self.inner.dirty = false;
        if let Err(error) = self.inner.run("RELEASE one").await {
            self.inner.dirty = true;
            return Err(unavailable(error));
        }
        let Some(mut outcome) = self.inner.batch.as_ref().map(watch::Sender::subscribe) else {
            return Err(Fault::broken("store_batch", "a transaction without its batch"));
        };
        drop(self);
        match outcome.wait_for(|outcome| *outcome != Outcome::Pending).await.map(|outcome| *outcome) {
            Ok(Outcome::Committed) => Ok(()),
            _ => Err(Fault::busy(
                "store_unavailable",
                "The change could not be saved just now. Nothing was changed; try again.",
                None,
            )),
        }
    }
}

fn unavailable(error: sqlx::Error) -> Fault {
    Fault::busy("store_unavailable", "The change could not be saved just now. Nothing was changed; try again.", None)
        .because(error)
}
