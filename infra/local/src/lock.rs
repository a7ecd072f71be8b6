//! One host per data folder: whoever holds the lock on `host.json` runs it, and the file says where.
//!
//! The lock is the operating system's, so it ends with the process however that ends; what the file says is only
//! believed while somebody holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The name of the file in the data folder.
pub const FILE: &str = "host.json";

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFile {
    /// Where the host listens; `None` while it starts or none runs.
    pub address: Option<SocketAddr>,
    /// The process that runs it.
    pub pid: Option<u32>,
    /// The configuration folder the host ran with last; `None` means the one built in.
    #[serde(default)]
    pub config: Option<PathBuf>,
    /// The file of secrets the host ran with last; `None` means the one in the data folder.
    #[serde(default)]
    pub secrets: Option<PathBuf>,
}

/// The exclusive right to run a host on a data folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    content: HostFile,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process runs a host there.
    #[error("a host already runs on the folder {}{}", folder.display(), place(running))]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// What its file says.
        running: HostFile,
    },
    /// The folder cannot be used.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn place(running: &HostFile) -> String {
    let pid = running.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    match running.address {
        Some(address) => format!(": http://{address}{pid}"),
        None => format!(", which is just starting{pid}"),
    }
}

impl Lock {
    /// Takes the right to run a host on `folder`, which is made if it does not exist.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        std::fs::create_dir_all(folder).map_err(unusable(folder))?;
        let path = folder.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), running: content(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(LockError::Unusable { path, source }),
        }
        // The address and process a crashed host left behind are no longer true.
        let HostFile { config, secrets, .. } = content(&mut file);
        let content = HostFile { address: None, pid: Some(std::process::id()), config, secrets };
        let mut lock = Self { file, content };
        lock.write().map_err(unusable(&path))?;
        Ok(lock)
    }

    /// What the file says.
    pub fn content(&self) -> &HostFile {
        &self.content
    }

    /// Keeps which configuration and secrets the host runs with, for hosts started later without naming any.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember(&mut self, config: Option<PathBuf>, secrets: Option<PathBuf>) -> std::io::Result<()> {
        self.content.config = config;
        self.content.secrets = secrets;
        self.write()
    }

    /// Tells other processes where the host listens.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&mut self, address: SocketAddr) -> std::io::Result<()> {
        self.content.address = Some(address);
        self.write()
    }

    fn write(&mut self) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(&self.content)?;
        text.push(b'\n');
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(&text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.content.address = None;
        self.content.pid = None;
        // The lock goes with the file in any case; a file that still names an address is not believed without it.
        let _ = self.write();
    }
}

/// What the file says; nothing while another process is just writing it.
fn content(file: &mut File) -> HostFile {
    let mut text = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut text));
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> LockError + use<> {
    let path = path.to_owned();
    move |source| LockError::Unusable { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "127.0.0.1:8787";

    #[test]
    fn a_second_host_on_a_folder_is_refused_with_the_address_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Lock::acquire(folder.path()).unwrap();
        let error = Lock::acquire(folder.path()).unwrap_err();
        assert!(error.to_string().contains("just starting"), "{error}");
        first.announce(ADDRESS.parse().unwrap()).unwrap();
        let error = Lock::acquire(folder.path()).unwrap_err();
        let pid = std::process::id();
        assert!(error.to_string().ends_with(&format!("http://{ADDRESS} (process {pid})")), "{error}");
        drop(first);
        Lock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn what_a_crashed_host_left_behind_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let left = HostFile { address: Some(ADDRESS.parse().unwrap()), pid: Some(1), ..HostFile::default() };
        std::fs::write(folder.path().join(FILE), serde_json::to_string(&left).unwrap()).unwrap();
        let lock = Lock::acquire(folder.path()).unwrap();
        assert_eq!((lock.content().address, lock.content().pid), (None, Some(std::process::id())));
    }

    #[test]
    fn a_damaged_file_does_not_keep_a_host_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"addr").unwrap();
        Lock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn the_configuration_of_the_last_host_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock = Lock::acquire(folder.path()).unwrap();
        lock.remember(Some("/etc/barometer".into()), None).unwrap();
        lock.announce(ADDRESS.parse().unwrap()).unwrap();
        drop(lock);
        let lock = Lock::acquire(folder.path()).unwrap();
        assert_eq!(lock.content().config.as_deref(), Some(Path::new("/etc/barometer")));
        assert_eq!(lock.content().address, None);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        std::fs::write(&file, "").unwrap();
        let error = Lock::acquire(&file.join("data")).unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
    }
}
