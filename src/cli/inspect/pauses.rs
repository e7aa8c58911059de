//! `payout pauses`

use crate::{
    cli::{exit::Exit, global::Global, output, words},
    store::decisions::{self, Pause},
};

pub(crate) async fn pauses(global: &Global) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let found = decisions::pauses(&mut db).await?;
    output::print(&global.output.rows(&found, "nothing is paused", table)?)
}

fn table(found: &[Pause]) -> String {
    let cells = found.iter().map(|pause| {
        let flag = flag(&pause.scope, &pause.value);
        vec![
            name(&pause.scope, &pause.value),
            words::time(pause.since),
            pause.actor.clone(),
            pause.reason.clone(),
            pause.queued.to_string(),
            format!("payout resume {flag} --reason ..."),
        ]
    });
    output::table("PAUSED|SINCE (WIB)|BY|REASON|>QUEUED|NEXT", cells)
}

/// What is paused, for a sentence.
pub(crate) fn name(scope: &str, value: &str) -> String {
    let name = if value.is_empty() {
        "everything".to_owned()
    } else {
        format!("{scope} {value}")
    };
    output::plain(&name)
}

/// The option that names it.
pub(crate) fn flag(scope: &str, value: &str) -> String {
    output::plain(format!("--{scope} {value}").trim_end())
}
