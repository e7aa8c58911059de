//! Cases that are compared with another one.

use anyhow::{Context, Result, ensure};

use crate::{
    Options,
    cases::{self, Before, Case},
    drain::Drain,
    report::Table,
    run::{describe_machine, why_not},
    running::Run,
    stage::Stage,
};

/// How many pairs of rounds are compared, unless `--times` says so.
const PAIRS_UNLESS_SAID: usize = 7;

/// Runs the cases that are compared with another one: both on servers of their own, and their rounds in turns, so that what
/// else the machine does slows down both.
pub(crate) async fn all(options: &Options) -> Result<()> {
    ensure!(
        !options.short && !options.profile && options.against.is_none() && options.spoil.is_none(),
        "pairs run with --times, --record, --compare and sizes alone: leave the other options out"
    );
    let mut table = Table::new(options)?;
    let repeats = options.times.unwrap_or(PAIRS_UNLESS_SAID).max(1);
    for pair in cases::chosen_pairs(&options.cases, repeats, &options.scale)? {
        if let Some(why) = why_not(&pair[0])? {
            println!("{}: SKIPPED: {why}", pair[0].name);
            continue;
        }
        in_turns(&pair, options, &mut table)
            .await
            .with_context(|| format!("{} beside {}", pair[0].name, pair[1].name))?;
    }
    table.finish()
}

/// Every round of the first case and the same of the second one, in alternating order.
async fn in_turns(pair: &[Case; 2], options: &Options, table: &mut Table) -> Result<()> {
    let mut stages = Vec::new();
    for case in pair {
        stages.push(Stage::build(case, &options.payout, false).await?);
    }
    let runs: Vec<Run<'_>> = pair
        .iter()
        .zip(&stages)
        .map(|(case, stage)| Run {
            case,
            payout: &options.payout,
            stage,
            spoil: None,
        })
        .collect();
    let mut drains = Vec::new();
    for run in &runs {
        let mut db = run.stage.owner().await?;
        describe_machine(table, run.stage, &mut db).await?;
        drains.push(Drain::begin(run).await?);
    }
    let repeats = pair[0].repeats;
    for place in 0..pair[0].rounds.len() {
        for repeat in 0..repeats {
            let order = if repeat % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                let (case, drain) = (&pair[side], &mut drains[side]);
                let round = &case.rounds[place];
                // What a round finds stays as it is for those that repeat it.
                let before = if repeat == 0 {
                    round.before
                } else {
                    Before::Nothing
                };
                let figures = drain.round(round, before).await?;
                table.add(case, vec![(case.name_of(round), figures)]);
            }
        }
        let names = [0, 1].map(|side| pair[side].name_of(&pair[side].rounds[place]));
        table.compare(&names);
    }
    for drain in drains {
        drain.end().await?;
    }
    Ok(())
}
