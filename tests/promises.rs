//! What the README and the repository promise about themselves.

use holdfast::error::ErrorKind;
use std::path::Path;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn the_readme_has_the_two_commands_that_ci_reads() {
    let readme = readme();
    for start in ["cargo build ", "cargo test "] {
        assert_eq!(readme.lines().filter(|line| line.starts_with(start)).count(), 1, "lines that begin with {start:?}");
    }
}

#[test]
fn the_readme_lists_every_exit_code() {
    let readme = readme();
    let kinds = [
        ErrorKind::Usage,
        ErrorKind::Advice,
        ErrorKind::Data,
        ErrorKind::NoInput,
        ErrorKind::Internal,
        ErrorKind::CannotCreate,
        ErrorKind::Output,
        ErrorKind::Locked,
        ErrorKind::Config,
        ErrorKind::Signal(1),
        ErrorKind::Signal(2),
        ErrorKind::Signal(15),
    ];
    let codes: Vec<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split(", "))
        .filter(|cell| cell.parse::<u8>().is_ok())
        .map(String::from)
        .collect();
    for kind in kinds {
        assert!(codes.contains(&kind.exit_code().to_string()), "{kind:?}: {} is not in {codes:?}", kind.exit_code());
    }
}

#[test]
fn every_config_of_the_repository_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let mut paths: Vec<_> = std::fs::read_dir(root.join("configs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.push(root.join("shop/shop.toml"));
    assert!(paths.len() >= 10);
    for path in paths {
        holdfast::config::Config::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
    }
}
