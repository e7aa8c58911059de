//! What a server that outlives its starter promises, tested with a real one.

use std::{fs, os::unix::net::UnixStream, path::Path};

use crate::{
    Options, StopMode,
    account::Account,
    cluster_tests::has_binaries,
    folder,
    standing::{self, Start},
};

fn options() -> Options {
    Options {
        port: Some(5432),
        settings: vec![("listen_addresses".to_owned(), String::new())],
        ..Options::default()
    }
}

fn answers(folder: &Path) -> bool {
    UnixStream::connect(folder.join(".s.PGSQL.5432")).is_ok()
}

#[test]
fn a_standing_server_is_found_again_by_its_folder_and_keeps_its_data() {
    if !has_binaries() {
        return;
    }
    let parent = folder::make_temporary(Account::of_server().unwrap().as_ref()).unwrap();
    let folder = parent.path().join("pg");
    let new = Start::Started { replaced: None };
    assert_eq!(standing::start(&folder, options()).unwrap(), new);
    assert!(answers(&folder));
    assert_eq!(standing::start(&folder, options()).unwrap(), Start::Running);
    assert_eq!(standing::port(&folder), Some(5432));

    for how in [StopMode::Fast, StopMode::Immediate] {
        assert!(standing::stop(&folder, how).unwrap(), "{how:?}");
        assert!(!answers(&folder), "{how:?}");
        assert!(!standing::stop(&folder, how).unwrap(), "it does not run");
        let identity = fs::metadata(folder.join("data/PG_VERSION"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(standing::start(&folder, options()).unwrap(), new);
        let kept = fs::metadata(folder.join("data/PG_VERSION"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(identity, kept, "{how:?}");
    }
    standing::stop(&folder, StopMode::Immediate).unwrap();

    fs::write(folder.join("data/PG_VERSION"), "9.6\n").unwrap();
    let replaced = Some("9.6".to_owned());
    assert_eq!(
        standing::start(&folder, options()).unwrap(),
        Start::Started { replaced }
    );
    standing::stop(&folder, StopMode::Immediate).unwrap();
}
