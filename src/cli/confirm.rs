//! Asks back before what cannot be undone, where somebody sits in front of it.

use std::io::{self, IsTerminal};

use super::{
    exit::{Failure, say},
    global::Global,
};

/// Says what will happen and waits for a yes. Scripts are never asked: their flags say it all.
pub(super) fn confirm(global: &Global, what: &str) -> Result<(), Failure> {
    if global.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    say(&format!("{what}\nGo on? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" | "ya" => Ok(()),
        _ => Err(Failure::Other("nothing was changed".to_owned())),
    }
}

/// The same for what moves money: the word is typed, so that no reflex says yes.
pub(super) fn confirm_by_typing(global: &Global, what: &str, word: &str) -> Result<(), Failure> {
    if global.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    say(&format!("{what}\nType {word} to go on:"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == word {
        Ok(())
    } else {
        Err(Failure::Other("nothing was changed".to_owned()))
    }
}
