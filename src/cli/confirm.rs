//! Prompts before what cannot be undone, for a person at a terminal.

use std::io::{self, IsTerminal};

use super::{
    exit::{Exit, say},
    global::Global,
    paste,
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

/// The same for what contradicts the gateway: without a terminal the word must be `given` on the command line.
pub(super) fn confirm_by_repeating(
    global: &Global,
    what: &str,
    word: &str,
    given: Option<&str>,
) -> Result<(), Exit> {
    if given.is_none() && is_attended(global) {
        return confirm_by_typing(global, what, word);
    }
    say(what);
    if given == Some(word) {
        return Ok(());
    }
    let confirm = paste::option("--confirm", word);
    let rule = format!("nothing was changed; if you are sure, add: {confirm}");
    Err(Exit::Usage(rule))
}

/// Whether a person is there to answer a prompt.
pub(super) fn is_attended(global: &Global) -> bool {
    !global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Scripts get no prompt: their flags say it all.
fn prompt(global: &Global, question: &str, is_yes: impl Fn(&str) -> bool) -> Result<(), Exit> {
    if !is_attended(global) {
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
