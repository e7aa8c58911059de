//! Addresses for clients.

use std::path::Path;

/// The URL of a database over the Unix socket in `folder`.
pub(crate) fn of_socket(folder: &Path, port: u16, database: &str, user: &str) -> String {
    let folder = percent_encoded(&folder.to_string_lossy());
    format!("postgres://{user}@localhost:{port}/{database}?host={folder}")
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_spaces_survives_in_an_address() {
        assert_eq!(
            of_socket(Path::new("/a b/é"), 5432, "payout", "eve"),
            "postgres://eve@localhost:5432/payout?host=/a%20b/%C3%A9"
        );
    }
}
