//! Commands that people copy from what is printed.

/// A command about one payout. A number that begins with `-` would be read as an option, so it comes last, after `--`.
pub(super) fn about(verb: &str, order_num: &str, options: &str) -> String {
    let words = if order_num.starts_with('-') {
        ["payout", verb, options, "--", order_num]
    } else {
        ["payout", verb, order_num, options, ""]
    };
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// An option with a value that may begin with `-`.
pub(super) fn option(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{value}")
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// Checks that a printed command is one that this program takes, and is about this payout.
    #[track_caller]
    pub(in crate::cli) fn parses(command: &str, order_num: &str) {
        // Three dots stand for words that people fill in, and RUPIAH for a number.
        let command = command.replace("RUPIAH", "1");
        let words = command.split(' ').map(|word| word.replace('"', ""));
        let parsed =
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
        assert!(
            format!("{parsed:?}").contains(&format!("{order_num:?}")),
            "{command}: {parsed:?}"
        );
    }

    #[test]
    fn a_command_about_any_order_number_can_be_pasted() {
        for order in ["INV-1", "_", "-INV-1", "-w", "-", "--", "--all"] {
            for (verb, options) in [
                ("show", ""),
                ("show", "-w"),
                ("replay", ""),
                ("audit", ""),
                ("cancel", "--reason \"…\""),
                ("reveal", "--reason \"…\""),
                ("resubmit", "--reason \"…\""),
            ] {
                parses(&about(verb, order, options), order);
            }
            let confirm = option("--confirm", order);
            let resolve = format!("--as paid --evidence \"…\" --reason \"…\" {confirm}");
            parses(&about("resolve", order, &resolve), order);
        }
        assert_eq!(about("replay", "INV-1", ""), "payout replay INV-1");
        assert_eq!(about("show", "-1", "-w"), "payout show -w -- -1");
    }
}
