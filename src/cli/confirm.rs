//! Prompts before what cannot be undone, for a person at a terminal.

use std::io::{self, IsTerminal};

use super::{
    exit::{Exit, say},
    global::Global,
};

/// Says what will happen and waits for a yes.
pub(super) fn confirm(global: &Global, what: &str) -> Result<(), Exit> {
    prompt(global, &format!("{what}\nContinue? [y/N]"), |answer| {
        matches!(answer, "y" | "Y" | "yes" | "ya")
    })
}

/// The same for what moves money: the word has to be typed, so that no reflex confirms it.
pub(super) fn confirm_by_typing(global: &Global, what: &str, word: &str) -> Result<(), Exit> {
    let question = format!("{what}\nType {word} to continue:");
    prompt(global, &question, |answer| answer == word)
}

/// Scripts get no prompt: their flags say it all.
fn prompt(global: &Global, question: &str, is_yes: impl Fn(&str) -> bool) -> Result<(), Exit> {
    if global.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    say(question);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if is_yes(answer.trim()) {
        Ok(())
    } else {
        Err(Exit::Failed("nothing was changed".to_owned()))
    }
}
