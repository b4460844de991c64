//! SQLite's readers: a few connections that go from hand to hand.
//!
//! Not sqlx's pool: that one asks a connection before and after each use whether it is still there, which is two more round
//! trips to the connection's thread. A file does not go away as a server does.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;

use crate::stores::ACQUIRE_TIME;

/// Reading connections: enough that a slow read does not hold up the others, few enough that each keeps its page cache
/// warm.
const READERS: u32 = 4;

struct Inner {
    options: SqliteConnectOptions,
    free: Mutex<Vec<SqliteConnection>>,
    places: Arc<Semaphore>,
}

/// The readers; cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Inner>);

/// A connection for reading, given back when dropped.
pub(crate) struct Reader {
    /// None once it broke.
    conn: Option<SqliteConnection>,
    readers: Readers,
    _place: OwnedSemaphorePermit,
}

impl Readers {
    /// With a first connection, which proves that the file can be read.
    pub(crate) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let free = Mutex::new(vec![options.connect().await?]);
        Ok(Self(Arc::new(Inner { options, free, places: Arc::new(Semaphore::new(READERS as usize)) })))
    }

    pub(crate) async fn acquire(&self) -> Result<Reader, sqlx::Error> {
        let places = &self.0.places;
        let place = match places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => timeout(ACQUIRE_TIME, places.clone().acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let free = self.free().pop();
        let conn = match free {
            Some(conn) => conn,
            // On the heap: every read waits in this, and hardly any opens.
            None => self.0.options.connect().boxed().await?,
        };
        Ok(Reader { conn: Some(conn), readers: self.clone(), _place: place })
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more reads, and waits for those that there are.
    pub(crate) async fn close(&self) {
        if let Ok(Ok(places)) = timeout(ACQUIRE_TIME, self.0.places.acquire_many(READERS)).await {
            places.forget();
        }
        self.0.places.close();
        let free = std::mem::take(&mut *self.free());
        for conn in free {
            let _ = sqlx::Connection::close(conn).await;
        }
    }
}

impl Reader {
    pub(crate) fn conn(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.conn.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// Looks whether the connection outlived what it answered; one that did not is given to nobody again.
    pub(crate) fn outlives(&mut self, error: sqlx::Error) -> sqlx::Error {
        if matches!(error, sqlx::Error::WorkerCrashed) {
            self.conn = None;
        }
        error
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take().filter(|_| !self.readers.0.places.is_closed()) {
            self.readers.free().push(conn);
        }
    }
}
