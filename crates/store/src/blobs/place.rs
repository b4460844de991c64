//! The two places: a folder and a bucket. Here alone it is known which one it is.

use std::fmt;
use std::future::Future;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use kernel::{Fault, Result, TenantId};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
};

use super::ObjectId;

/// One object's way there or back. A request of ours lives for twenty-four seconds; what takes longer is down.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// A lost connection is tried anew; a store that is down is the caller's to wait for.
const TRIES_MORE: usize = 2;
/// What S3 calls a bucket that is not there; an object that is not there is told by the same status.
const NO_BUCKET: &str = "NoSuchBucket";
/// Objects deleted at once.
const DELETED_AT_ONCE: usize = 16;

/// Where objects lie.
#[derive(Clone)]
pub enum BlobPlace {
    /// A folder; made if missing.
    Folder(PathBuf),
    /// A bucket.
    S3(Box<S3>),
}

/// A bucket of a server that speaks S3. Holds a secret: never printed.
#[derive(Clone)]
pub struct S3 {
    /// `https://s3.example.com`; the bucket's own address if it is not in the path.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// What requests are signed for.
    pub region: String,
    /// What all names begin with, if anything.
    pub prefix: Option<String>,
    /// The key's id.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
    /// Whether the bucket is named in the path; else it is in the endpoint's host.
    pub path_style: bool,
    /// What carries it there.
    pub client: reqwest::Client,
}

/// An opened place.
#[derive(Clone)]
pub(super) struct Place {
    objects: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
    called: String,
}

/// What an object is called there.
pub(super) fn name(tenant: TenantId, id: ObjectId) -> Path {
    Path::from_iter([tenant.to_string(), id.0.to_string()])
}

pub(super) fn of_tenant(tenant: TenantId) -> Path {
    Path::from_iter([tenant.to_string()])
}

impl Place {
    pub(super) fn open(place: &BlobPlace) -> Result<Self> {
        match place {
            BlobPlace::Folder(folder) => open_folder(folder),
            BlobPlace::S3(bucket) => open_bucket(bucket),
        }
    }

    pub(super) fn called(&self) -> String {
        self.called.clone()
    }

    /// The folder, if it is one.
    pub(super) fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// Puts what was not there. Repeated, it is the same.
    pub(super) async fn put_new(&self, name: &Path, bytes: Bytes) -> Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.objects.put_opts(name, PutPayload::from_bytes(bytes.clone()), options);
        match within(put).await? {
            Ok(_) => Ok(()),
            // A first try may have come through whose answer was lost.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => match self.get(name, bytes.len()).await {
                Ok(Some(there)) if there == bytes => Ok(()),
                Ok(_) => Err(Fault::conflict("An object of this name is there already.")),
                Err(fault) => Err(fault),
            },
            Err(error) => Err(fault(error)),
        }
    }

    /// At most `limit` bytes; none when nothing is there.
    pub(super) async fn get(&self, name: &Path, limit: usize) -> Result<Option<Bytes>> {
        let read = async {
            let found = self.objects.get(name).await?;
            if usize::try_from(found.meta.size).is_ok_and(|size| size <= limit) {
                return found.bytes().await.map(Some);
            }
            Ok(None)
        };
        match within(read).await? {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => Err(Fault::broken("objects_strange", "an object is longer than what was put")),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    /// Asks whether it answers, is there, and can be read and listed: by an object that may be there or not.
    pub(super) async fn ask(&self, name: &Path) -> Result<()> {
        match within(self.objects.get(name)).await? {
            Ok(_) => {}
            Err(error @ Error::NotFound { .. }) => {
                let told = chain(&error);
                if told.contains(NO_BUCKET) {
                    return Err(Fault::broken("objects_no_bucket", told));
                }
            }
            Err(error) => return Err(fault(error)),
        }
        let mut objects = self.objects.list(None);
        within(objects.try_next()).await?.map(drop).map_err(fault)
    }

    /// Deletes one. Gone already is the same.
    pub(super) async fn delete(&self, name: &Path) -> Result<()> {
        match within(self.objects.delete(name)).await? {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }

    /// Deletes many; answers how many.
    pub(super) async fn delete_all(&self, names: Vec<Path>) -> Result<u64> {
        for some in names.chunks(DELETED_AT_ONCE) {
            futures::future::try_join_all(some.iter().map(|name| self.delete(name))).await?;
        }
        u64::try_from(names.len()).map_err(|error| Fault::broken("objects", error))
    }

    /// Some names below `below`, after `after`, in their order on a bucket and in any order in a folder.
    pub(super) async fn list(&self, below: &Path, after: Option<&Path>, limit: usize) -> Result<Vec<Path>> {
        let list = match after {
            Some(after) => self.objects.list_with_offset(Some(below), after),
            None => self.objects.list(Some(below)),
        };
        match within(list.map_ok(|meta| meta.location).take(limit).try_collect::<Vec<Path>>()).await? {
            Ok(names) => Ok(names),
            Err(Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(fault(error)),
        }
    }
}

fn open_folder(folder: &FilePath) -> Result<Place> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let broken = |error: std::io::Error| {
        Fault::broken(
            "objects_folder",
            format!("{}: it cannot be made or kept to this user: {error}", folder.display()),
        )
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(broken)?;
    // What lies there is sealed, yet how much of whose there is is nobody's business either.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(broken)?;
    let objects = LocalFileSystem::new_with_prefix(folder).map_err(fault)?.with_fsync(true);
    Ok(Place { objects: Arc::new(objects), folder: Some(folder.to_owned()), called: folder.display().to_string() })
}

fn open_bucket(bucket: &S3) -> Result<Place> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: TRIES_MORE,
        retry_timeout: ANSWER_TIME,
    };
    let objects = AmazonS3Builder::new()
        .with_endpoint(bucket.endpoint.trim_end_matches('/'))
        .with_bucket_name(&bucket.bucket)
        .with_region(&bucket.region)
        .with_access_key_id(&bucket.access_key)
        .with_secret_access_key(&bucket.secret_key)
        .with_virtual_hosted_style_request(!bucket.path_style)
        // Whoever configures it has judged the address; the client is one of the door's.
        .with_allow_http(true)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_disable_tagging(true)
        .with_retry(retry)
        .with_http_connector(Connector { client: bucket.client.clone(), origin: bucket.endpoint.clone() })
        .build()
        .map_err(fault)?;
    let prefix = bucket.prefix.as_deref().unwrap_or_default().trim_matches('/');
    let called = format!("{}, bucket {} {prefix}", bucket.endpoint, bucket.bucket).trim_end().to_owned();
    let objects: Arc<dyn ObjectStore> =
        if prefix.is_empty() { Arc::new(objects) } else { Arc::new(PrefixStore::new(objects, prefix)) };
    Ok(Place { objects, folder: None, called })
}

async fn within<T>(call: impl Future<Output = object_store::Result<T>>) -> Result<object_store::Result<T>> {
    tokio::time::timeout(ANSWER_TIME, call).await.map_err(|_| unavailable("no answer in time"))
}

fn unavailable(why: impl fmt::Display) -> Fault {
    Fault::busy("objects_unavailable", "What was uploaded cannot be reached at the moment. Try again.", None)
        .because(why.to_string())
}

pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Fault::broken("objects_refused", error),
        Error::NotImplemented { .. } | Error::NotSupported { .. } | Error::InvalidPath { .. } => {
            Fault::broken("objects", error)
        }
        _ => unavailable(chain(&error)),
    }
}

/// An error and what is behind it, in one line: what is wrong with a certificate stands at the very end.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut behind = error.source();
    while let Some(inner) = behind {
        let words = inner.to_string();
        if !told.contains(&words) {
            told = format!("{told}: {words}");
        }
        behind = inner.source();
    }
    // A server's answer is XML in several lines.
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Hands out the door's client, for one origin.
struct Connector {
    client: reqwest::Client,
    origin: String,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(OneOrigin { client: self.client.clone(), origin: self.origin.clone() }))
    }
}

struct OneOrigin {
    client: reqwest::Client,
    origin: String,
}

impl fmt::Debug for OneOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneOrigin")
    }
}

#[async_trait]
impl HttpService for OneOrigin {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let origin =
            |text: &str| reqwest::Url::parse(text).map(|url| url.origin()).ok().filter(|origin| origin.is_tuple());
        match (origin(&request.uri().to_string()), origin(&self.origin)) {
            (Some(asked), Some(configured)) if asked == configured => self.client.call(request).await,
            _ => Err(HttpError::new(
                HttpErrorKind::Request,
                std::io::Error::other("another origin than the configured one"),
            )),
        }
    }
}
