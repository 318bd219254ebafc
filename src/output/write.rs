//! Bytes become files, so that a failed or killed run leaves the old files or the new ones.
//!
//! In: names and bytes. Out: files in a folder held by one run. This module does not know what the bytes say.
//! The order of steps is the one of restic's `Save()` plus a lock and a commit mark: lock, sweep, write beside the target,
//! sync, rename, sync the folder, rename `run.json` last.

use super::{FileRecord, RunFolder, RunRecord};
use crate::error::{Error, ErrorKind, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

/// The lock of a folder. The kernel frees it when its holder dies, so it is never stale.
const LOCK_NAME: &str = ".holdfast.lock";
/// How the names of our unfinished files begin; only these are ever swept.
const TEMPORARY_PREFIX: &str = ".holdfast-tmp.";
/// The commit mark.
const RUN_NAME: &str = "run.json";
/// What a failed run leaves instead.
const FAILED_NAME: &str = "run-failed.json";

/// A folder held by this process until it is dropped.
#[derive(Debug)]
pub(super) struct FolderLock {
    /// Holding the file open holds the lock.
    _file: File,
}

impl FolderLock {
    /// Locks the folder, writes our pid for whoever is refused, and removes the temporary files of killed runs.
    fn take(folder: &Path) -> Result<FolderLock> {
        let path = folder.join(LOCK_NAME);
        refuse_link(&path)?;
        let mut file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(&path)
            .map_err(|error| cannot_create(&path, "cannot be created", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The pid only helps the reader of the message; a holder that has not written it yet is still a holder.
                let _ = Read::by_ref(&mut file).take(20).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another run".to_string(),
                    pid => format!("another run (pid {pid})"),
                };
                return Err(Error::new(ErrorKind::Locked, format!("{holder} holds this folder; wait until it has ended, or name another folder")).file(folder));
            }
            Err(TryLockError::Error(error)) => return Err(cannot_create(&path, "cannot be locked", &error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()))
            .map_err(|error| failed(&path, "cannot be written", &error))?;
        sweep(folder)?;
        Ok(FolderLock { _file: file })
    }
}

impl RunFolder {
    pub(super) fn open_locked(path: &Path) -> Result<RunFolder> {
        refuse_link(path)?;
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::new(ErrorKind::CannotCreate, "is a file, expected a folder; name a folder to write to").file(path));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::new(ErrorKind::CannotCreate, "the folder above it does not exist; create it first").file(path));
            }
            Err(error) => return Err(cannot_create(path, "the folder cannot be created", &error)),
        }
        let lock = FolderLock::take(path)?;
        Ok(RunFolder { path: path.to_path_buf(), _lock: lock })
    }

    pub(super) fn commit_with(&self, files: Vec<(String, Vec<u8>)>, mut record: RunRecord, rename: Rename<'_>) -> Result<()> {
        let mut names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::internal(format!("the file {} was to be written twice in one run", pair[0])));
        }
        record.files = files
            .iter()
            .map(|(name, bytes)| FileRecord { name: name.clone(), bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() })
            .collect();
        let mark = record_bytes(&record)?;
        let outdated = self.outdated(&names);

        let mut batch = Batch::new(&self.path);
        for (name, bytes) in &files {
            batch.add(name, bytes)?;
        }
        // The mark is written before anything is renamed, so that a full disk is found while the old files still stand.
        batch.add(RUN_NAME, &mark)?;
        batch.publish(rename)?;
        outdated.iter().try_for_each(|file| remove_if_there(file))?;
        remove_if_there(&self.path.join(FAILED_NAME))
    }

    /// Files in folders of this one that the run before named and that are not among `names`: parts of a list that has fewer parts now.
    fn outdated(&self, names: &[&str]) -> Vec<PathBuf> {
        let record = fs::read(self.path.join(RUN_NAME)).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let files = record.as_ref().and_then(|record| record["files"].as_array()).map(Vec::as_slice).unwrap_or_default();
        let is_ours = |name: &&str| {
            let parts: Vec<Component<'_>> = Path::new(name).components().collect();
            parts.len() == 2 && parts.iter().all(|part| matches!(part, Component::Normal(_))) && !names.contains(name)
        };
        files.iter().filter_map(|file| file["name"].as_str()).filter(is_ours).map(|name| self.path.join(name)).collect()
    }

    pub(super) fn write_failure(&self, record: &RunRecord) -> Result<()> {
        let mut batch = Batch::new(&self.path);
        batch.add(FAILED_NAME, &record_bytes(record)?)?;
        batch.publish(&|from, to| fs::rename(from, to))
    }
}

/// Writes one file beside its target, syncs it, lets `check` look at it, renames it and syncs the folder.
///
/// The folder is locked meanwhile, so its leftovers can be swept. `check` gets the path of the finished temporary file; when it
/// fails, the target stays as it was.
///
/// # Errors
/// 73 when the file cannot be created (folder missing, a link or a folder in its place), 74 when writing fails, 75 when another
/// run holds the folder, and whatever `check` returns.
pub fn write_file(path: &Path, bytes: &[u8], check: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::new(ErrorKind::CannotCreate, "has no file name that is valid text; name a file to write").file(path))?;
    if !folder.is_dir() {
        return Err(Error::new(ErrorKind::CannotCreate, "its folder does not exist; create it first").file(path));
    }
    let _lock = FolderLock::take(folder)?;
    let mut batch = Batch::new(folder);
    batch.add(name, bytes)?;
    check(&batch.files[0].temporary)?;
    batch.publish(&|from, to| fs::rename(from, to))
}

/// Makes `pointer` a link to `target` in the same folder, in one step.
///
/// # Errors
/// 73 when `target` is not there or the link cannot be made, 74 when it cannot be put in place.
pub fn point(pointer: &Path, target: &Path) -> Result<()> {
    let name = target.file_name().filter(|_| target.parent() == pointer.parent() && target.is_file()).ok_or_else(|| {
        Error::new(ErrorKind::CannotCreate, format!("cannot point at {}: expected a file of the same folder", target.display())).file(pointer)
    })?;
    let folder = pointer.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _lock = FolderLock::take(folder)?;
    let temporary = Temporary::new(folder.join(format!("{TEMPORARY_PREFIX}link")));
    link_or_copy(Path::new(name), target, &temporary.0).map_err(|error| cannot_create(pointer, "cannot be made", &error))?;
    fs::rename(&temporary.0, pointer).map_err(|error| failed(pointer, "cannot be put in place", &error))?;
    sync_folder(folder)
}

#[cfg(unix)]
fn link_or_copy(name: &Path, _target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(name, link)
}

#[cfg(not(unix))]
fn link_or_copy(_name: &Path, target: &Path, link: &Path) -> io::Result<()> {
    fs::copy(target, link).map(|_| ())
}

/// How a finished file takes its place; tests put a failing one here.
type Rename<'a> = &'a dyn Fn(&Path, &Path) -> io::Result<()>;

/// A file of ours that must not outlive a failure: removed when dropped, unless it was renamed before.
struct Temporary(PathBuf);

impl Temporary {
    fn new(path: PathBuf) -> Temporary {
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, and on the way out of an error nothing more can be done.
        let _ = fs::remove_file(&self.0);
    }
}

/// A file that is written but not yet in place.
struct Pending {
    target: PathBuf,
    temporary: PathBuf,
    /// The old file under a second name, to put back when a later rename fails.
    backup: Option<PathBuf>,
    _guard: Temporary,
}

/// Files that take their places together.
struct Batch<'a> {
    folder: &'a Path,
    files: Vec<Pending>,
}

impl<'a> Batch<'a> {
    fn new(folder: &'a Path) -> Batch<'a> {
        Batch { folder, files: Vec::new() }
    }

    /// Writes and syncs one file under a temporary name.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let target = self.target(name)?;
        // The number, not the name, makes it unique: a name of 255 bytes leaves no room for a prefix.
        let temporary = self.folder.join(format!("{TEMPORARY_PREFIX}new.{}", self.files.len()));
        let mut file =
            private(OpenOptions::new().write(true).create_new(true)).open(&temporary).map_err(|error| cannot_create(&target, "cannot be created", &error))?;
        let guard = Temporary::new(temporary.clone());
        let failure = |error: io::Error| failed(&target, "cannot be written", &error);
        file.write_all(bytes).and_then(|()| file.flush()).map_err(failure)?;
        let written = file.metadata().map_err(failure)?.len();
        if written != bytes.len() as u64 {
            return Err(Error::new(ErrorKind::Output, format!("{written} bytes arrived on the disk, expected {}", bytes.len())).file(&target));
        }
        file.sync_all().map_err(failure)?;
        self.files.push(Pending { target, temporary, backup: None, _guard: guard });
        Ok(())
    }

    /// Where the file goes: in the folder or in a folder in it, never through a link and never over a folder.
    fn target(&self, name: &str) -> Result<PathBuf> {
        let parts: Vec<Component<'_>> = Path::new(name).components().collect();
        if parts.is_empty() || parts.len() > 2 || parts.iter().any(|part| !matches!(part, Component::Normal(_))) || name.starts_with(".holdfast") {
            return Err(Error::internal(format!("{name:?} is no name for a file of a run")));
        }
        let target = self.folder.join(name);
        if let (2, Some(folder)) = (parts.len(), target.parent()) {
            refuse_link(folder)?;
            if !folder.is_dir() {
                fs::create_dir(folder).map_err(|error| cannot_create(folder, "the folder cannot be created", &error))?;
            }
        }
        refuse_link(&target)?;
        if target.is_dir() {
            return Err(
                Error::new(ErrorKind::CannotCreate, "is a folder, expected a file or nothing; move it away or name another output folder").file(&target)
            );
        }
        Ok(target)
    }

    /// Renames the files in order, the last one (the commit mark) after the folder is synced. When a rename fails, the files
    /// already in place are put back.
    fn publish(mut self, rename: Rename<'_>) -> Result<()> {
        for index in 0..self.files.len() {
            let backup = self.folder.join(format!("{TEMPORARY_PREFIX}old.{index}"));
            // A file system without hard links has no way back; then run.json, still the old one, tells that the set is mixed.
            if self.files[index].target.exists() && fs::hard_link(&self.files[index].target, &backup).is_ok() {
                self.files[index].backup = Some(backup);
            }
        }
        let result = self.rename_all(rename);
        for file in &self.files {
            if let Some(backup) = &file.backup {
                let _ = fs::remove_file(backup);
            }
        }
        result
    }

    fn rename_all(&self, rename: Rename<'_>) -> Result<()> {
        for (index, file) in self.files.iter().enumerate() {
            if index > 0 && index + 1 == self.files.len() {
                self.sync_folders()?;
            }
            if let Err(error) = rename(&file.temporary, &file.target) {
                for done in self.files[..index].iter().rev() {
                    let _ = match &done.backup {
                        Some(backup) => fs::rename(backup, &done.target),
                        None => fs::remove_file(&done.target),
                    };
                }
                return Err(failed(&file.target, "cannot be put in place; the previous files stand", &error));
            }
        }
        self.sync_folders()
    }

    fn sync_folders(&self) -> Result<()> {
        let mut folders: Vec<&Path> = self.files.iter().filter_map(|file| file.target.parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        folders.into_iter().try_for_each(sync_folder)
    }
}

fn record_bytes(record: &RunRecord) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(record).map_err(|error| Error::internal(format!("the record of the run is no JSON: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Removes what killed runs left. Only names with our prefix are touched, and only under the lock.
fn sweep(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| cannot_create(folder, "the folder cannot be read", &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot_create(folder, "the folder cannot be read", &error))?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        if ours && !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, "cannot be removed", &error)),
        _ => Ok(()),
    }
}

fn refuse_link(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|facts| facts.file_type().is_symlink()) {
        return Err(Error::new(ErrorKind::CannotCreate, "is a link, which is not written through; name the real place").file(path));
    }
    Ok(())
}

/// Files are for their owner only: they hold customers.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(|error| failed(folder, "the folder cannot be synced", &error))
}

/// Other systems sync a rename with the file.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

fn cannot_create(path: &Path, what: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Output,
        _ => ErrorKind::CannotCreate,
    };
    Error::new(kind, format!("{what}: {error}")).file(path)
}

fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("{what}: {error}")).file(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::Cell;

    fn files(version: &str) -> Vec<(String, Vec<u8>)> {
        ["risk.csv", "offers.csv", "crm/contacts.csv"].iter().map(|name| (name.to_string(), format!("{version} {name}\n").into_bytes())).collect()
    }

    fn record() -> RunRecord {
        RunRecord { status: "ok".into(), ..RunRecord::default() }
    }

    /// Everything a consumer sees: names and bytes, without the lock.
    fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for (prefix, folder) in [("", folder.to_path_buf()), ("crm/", folder.join("crm"))] {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for entry in entries {
                let entry = entry.unwrap();
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_file() && name != LOCK_NAME {
                    found.push((name, fs::read(entry.path()).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn run_json_names_size_and_hash_of_every_file_and_nothing_else_is_left() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(&place.path().join("out")).unwrap();
        folder.commit(files("new"), record()).unwrap();
        let names: Vec<String> = contents(folder.path()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["crm/contacts.csv", "offers.csv", "risk.csv", "run.json"]);
        let mark: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
        for file in mark["files"].as_array().unwrap() {
            let bytes = fs::read(folder.path().join(file["name"].as_str().unwrap())).unwrap();
            assert_eq!(file["bytes"].as_u64().unwrap(), bytes.len() as u64);
            assert_eq!(file["blake3"].as_str().unwrap(), blake3::hash(&bytes).to_hex().as_str());
        }
        assert_eq!(mark["files"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn whichever_rename_fails_the_previous_files_stand() {
        for failing in 0..4 {
            let place = tempfile::tempdir().unwrap();
            let folder = RunFolder::open(place.path()).unwrap();
            folder.commit(files("old"), record()).unwrap();
            let before = contents(folder.path());
            let calls = Cell::new(0);
            let rename = |from: &Path, to: &Path| {
                calls.set(calls.get() + 1);
                if calls.get() > failing { Err(io::Error::other("disk on fire")) } else { fs::rename(from, to) }
            };
            let error = folder.commit_with(files("new"), record(), &rename).unwrap_err();
            assert_eq!(error.kind().exit_code(), 74);
            assert!(error.to_string().contains("disk on fire"), "{error}");
            assert_eq!(contents(folder.path()), before, "rename number {failing}");
        }
    }

    #[test]
    fn a_first_run_that_fails_midway_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        let calls = Cell::new(0);
        let rename = |from: &Path, to: &Path| {
            calls.set(calls.get() + 1);
            if calls.get() > 2 { Err(io::Error::other("no")) } else { fs::rename(from, to) }
        };
        folder.commit_with(files("new"), record(), &rename).unwrap_err();
        assert_eq!(contents(folder.path()), []);
    }

    #[test]
    fn a_second_run_on_the_same_folder_is_refused_with_the_pid_of_the_first() {
        let place = tempfile::tempdir().unwrap();
        let first = RunFolder::open(place.path()).unwrap();
        let error = RunFolder::open(place.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
        drop(first);
        RunFolder::open(place.path()).unwrap();
    }

    #[test]
    fn leftovers_of_a_killed_run_are_removed_and_files_of_others_are_not() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(".holdfast-tmp.new.3"), "half").unwrap();
        fs::write(place.path().join(".holdfast-notes"), "mine").unwrap();
        fs::write(place.path().join("risk.csv.tmp"), "theirs").unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        let names: Vec<String> = contents(folder.path()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [".holdfast-notes", "risk.csv.tmp"]);
    }

    #[test]
    fn a_failed_run_says_so_beside_the_previous_files_and_the_next_good_run_clears_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        folder.commit(files("old"), record()).unwrap();
        let before = contents(folder.path());
        folder.fail(RunRecord { status: "failed".into(), error: Some("orders.csv:3: bad".into()), exit_code: 65, ..RunRecord::default() });
        let after = contents(folder.path());
        let failed: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("run-failed.json")).unwrap()).unwrap();
        assert_eq!((failed["exit_code"].as_u64(), failed["error"].as_str()), (Some(65), Some("orders.csv:3: bad")));
        assert_eq!(after.len(), before.len() + 1);
        assert!(before.iter().all(|file| after.contains(file)));
        folder.commit(files("new"), record()).unwrap();
        assert!(!folder.path().join("run-failed.json").exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_written_through() {
        let place = tempfile::tempdir().unwrap();
        let precious = place.path().join("precious");
        fs::write(&precious, "keep").unwrap();
        let out = place.path().join("out");
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink(&precious, out.join("risk.csv")).unwrap();
        let folder = RunFolder::open(&out).unwrap();
        let error = folder.commit(files("new"), record()).unwrap_err();
        assert_eq!(error.kind().exit_code(), 73);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "keep");
        assert!(!out.join("run.json").exists());
        std::os::unix::fs::symlink(&out, place.path().join("link")).unwrap();
        assert_eq!(RunFolder::open(&place.path().join("link")).unwrap_err().kind().exit_code(), 73);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        folder.commit(files("new"), record()).unwrap();
        for name in ["risk.csv", "run.json", LOCK_NAME] {
            assert_eq!(fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let place = tempfile::tempdir().unwrap();
        let missing = RunFolder::open(&place.path().join("a/b")).unwrap_err();
        assert!(missing.to_string().ends_with("a/b: the folder above it does not exist; create it first"), "{missing}");
        fs::write(place.path().join("file"), "").unwrap();
        assert_eq!(RunFolder::open(&place.path().join("file")).unwrap_err().kind().exit_code(), 73);
        fs::create_dir_all(place.path().join("out/risk.csv")).unwrap();
        let folder = RunFolder::open(&place.path().join("out")).unwrap();
        assert_eq!(folder.commit(files("new"), record()).unwrap_err().kind().exit_code(), 73);
        for bad in ["../risk.csv", "/etc/x", "a/b/c", "", ".holdfast.lock"] {
            assert_eq!(folder.commit(vec![(bad.into(), Vec::new())], record()).unwrap_err().kind(), ErrorKind::Internal, "{bad}");
        }
        let long = "n".repeat(255);
        folder.commit(vec![(long.clone(), b"x".to_vec())], record()).unwrap();
        assert!(folder.path().join(long).exists());
        assert_eq!(folder.commit(vec![("n".repeat(256), Vec::new())], record()).unwrap_err().kind().exit_code(), 74);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_output_error_that_names_the_file() {
        // A device on which every write says "no space left".
        let error = File::options().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
        let error = cannot_create(Path::new("risk.csv"), "cannot be created", &error);
        assert_eq!(error.kind().exit_code(), 74);
        assert!(error.to_string().starts_with("risk.csv: "));
    }

    #[test]
    fn one_file_is_put_in_place_only_when_its_check_passes() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("shop.hfb");
        write_file(&path, b"old", |_| Ok(())).unwrap();
        write_file(&path, b"new", |_| Err(Error::internal("does not read back"))).unwrap_err();
        assert_eq!(contents(place.path()), [("shop.hfb".to_string(), b"old".to_vec())]);
        write_file(&path, b"new", |temporary| {
            assert_eq!(fs::read(temporary).unwrap(), b"new");
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_pointer_moves_from_one_bundle_to_the_next() {
        let place = tempfile::tempdir().unwrap();
        let pointer = place.path().join("shop.hfb");
        for name in ["shop-2024-01-01.hfb", "shop-2024-02-01.hfb"] {
            let target = place.path().join(name);
            fs::write(&target, name).unwrap();
            point(&pointer, &target).unwrap();
            assert_eq!(fs::read_to_string(&pointer).unwrap(), name);
        }
        assert_eq!(point(&pointer, &place.path().join("absent.hfb")).unwrap_err().kind().exit_code(), 73);
    }
}
