//! A folder of sealed files, as tantivy sees it: written whole, opened whole, held in memory while in use.
//!
//! Nothing here asks the disk to be sure of anything: a file that a failing machine cut short does not open, and the
//! index is built anew.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use kernel::{Column, RowName};
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite, WatchCallback,
    WatchHandle, WritePtr,
};
use vault::{Keys, Place};

/// What a file that is being written ends with; a crash leaves it behind, and the next start clears it away.
const UNFINISHED: &str = "part";

struct Inner {
    path: PathBuf,
    keys: Keys,
    column: &'static Column,
    opened: RwLock<HashMap<PathBuf, OwnedBytes>>,
}

/// The folder. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Folder(Arc<Inner>);

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folder")
    }
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

impl Folder {
    /// A folder that exists. `column` stands for its files in their associated data.
    pub(crate) fn new(path: PathBuf, keys: Keys, column: &'static Column) -> Self {
        Self(Arc::new(Inner { path, keys, column, opened: RwLock::default() }))
    }

    fn place(&self, file: &Path) -> io::Result<Place> {
        let name = file.to_str().ok_or_else(|| refused(file, "not a name"))?;
        Ok(Place::new(self.0.column, RowName::new().text(name)))
    }

    fn seal(&self, file: &Path, plain: &[u8]) -> io::Result<()> {
        let sealed =
            self.0.keys.seal_file(&self.place(file)?, plain).map_err(|_| refused(file, "could not be sealed"))?;
        let target = self.0.path.join(file);
        let mut unfinished = target.clone().into_os_string();
        unfinished.push(".");
        unfinished.push(UNFINISHED);
        fs::write(&unfinished, sealed)?;
        fs::rename(&unfinished, &target)
    }

    fn open(&self, file: &Path) -> Result<OwnedBytes, OpenReadError> {
        let failed = |error| OpenReadError::wrap_io_error(error, file.to_owned());
        let sealed = fs::read(self.0.path.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OpenReadError::FileDoesNotExist(file.to_owned()),
            _ => failed(error),
        })?;
        let place = self.place(file).map_err(failed)?;
        let plain = self.0.keys.open_file(&place, &sealed).map_err(|_| failed(refused(file, "does not open")))?;
        Ok(OwnedBytes::new(plain))
    }

    /// Bytes that are held in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.0.opened.read().unwrap_or_else(PoisonError::into_inner).values().map(OwnedBytes::len).sum()
    }

    fn hold(&self, file: &Path, bytes: OwnedBytes) {
        self.0.opened.write().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), bytes);
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, file: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let held = self.0.opened.read().unwrap_or_else(PoisonError::into_inner).get(file).cloned();
        if let Some(bytes) = held {
            return Ok(Arc::new(bytes));
        }
        let bytes = self.open(file)?;
        self.hold(file, bytes.clone());
        Ok(Arc::new(bytes))
    }

    fn delete(&self, file: &Path) -> Result<(), DeleteError> {
        self.0.opened.write().unwrap_or_else(PoisonError::into_inner).remove(file);
        fs::remove_file(self.0.path.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(file.to_owned()),
            _ => DeleteError::IoError { io_error: Arc::new(error), filepath: file.to_owned() },
        })
    }

    fn exists(&self, file: &Path) -> Result<bool, OpenReadError> {
        Ok(self.0.path.join(file).exists())
    }

    fn open_write(&self, file: &Path) -> Result<WritePtr, OpenWriteError> {
        if self.0.path.join(file).exists() {
            return Err(OpenWriteError::FileAlreadyExists(file.to_owned()));
        }
        let writing = Writing { folder: self.clone(), file: file.to_owned(), plain: Vec::new() };
        Ok(io::BufWriter::new(Box::new(writing)))
    }

    fn atomic_read(&self, file: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.open(file).map(|bytes| bytes.as_slice().to_vec())
    }

    fn atomic_write(&self, file: &Path, plain: &[u8]) -> io::Result<()> {
        self.seal(file, plain)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    /// [`crate::Index`] holds the folder's one lock for as long as it is open.
    fn acquire_lock(&self, _: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    /// A reader is told by whoever wrote.
    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}

struct Writing {
    folder: Folder,
    file: PathBuf,
    plain: Vec<u8>,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain.len() + bytes.len() > vault::FILE_BYTES {
            return Err(refused(&self.file, "longer than a file may be"));
        }
        self.plain.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for Writing {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        let plain = std::mem::take(&mut self.plain);
        self.folder.seal(&self.file, &plain)?;
        self.folder.hold(&self.file, OwnedBytes::new(plain));
        Ok(())
    }
}
