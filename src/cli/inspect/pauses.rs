//! `payout pauses`

use payout_store::decisions::{self, Pause};

use crate::cli::{exit::Exit, global::Global, output, words};

pub(crate) async fn pauses(global: &Global) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let found = decisions::pauses(&mut db).await?;
    output::print(&global.output.rows(&found, "nothing is paused", table)?)
}

fn table(found: &[Pause]) -> String {
    let cells = found.iter().map(|pause| {
        let flag = flag(&pause.scope, &pause.value);
        let daily = if pause.daily.is_some() {
            " --daily"
        } else {
            ""
        };
        vec![
            name(&pause.scope, &pause.value),
            times(pause),
            words::time(pause.since),
            pause.actor.clone(),
            pause.reason.clone(),
            pause.queued.to_string(),
            format!("payout resume {flag}{daily} --reason ..."),
        ]
    });
    output::table("PAUSED|WHEN|SINCE (WIB)|BY|REASON|>QUEUED|NEXT", cells)
}

/// When it is in force, in a few words.
pub(crate) fn times(pause: &Pause) -> String {
    match &pause.daily {
        None => "until it is resumed".to_owned(),
        Some(times) if pause.in_force => format!("daily {times} WIB, active"),
        Some(times) => format!("daily {times} WIB, inactive"),
    }
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
