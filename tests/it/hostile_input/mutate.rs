//! Seeded mutations of committed texts: flips, splices, truncation, repetition, and tokens that parsers trip over.

use rand::{RngExt, rngs::StdRng};

/// Tokens about which parsers disagree.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-",
    "+",
    ".",
    ".5",
    "e9",
    "0",
    "00",
    "2",
    "4",
    "%",
    "%00",
    "%2B",
    "&",
    "=",
    ";",
    " ",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{661}",
    "#",
    "[[",
    "]]",
    "'''",
    "platSign",
    "orderNum",
    "status",
    "9223372036854775808",
    "1e309",
];

/// A source of hostile texts.
pub(super) struct Mutator {
    seeds: Vec<Vec<u8>>,
    /// How many of them were returned unchanged.
    given: usize,
    rng: StdRng,
}

impl Mutator {
    pub(super) fn new(seeds: Vec<Vec<u8>>, rng: StdRng) -> Self {
        Self {
            seeds,
            given: 0,
            rng,
        }
    }

    /// Continues with other seeds.
    pub(super) fn begin_with(&mut self, seeds: Vec<Vec<u8>>) {
        self.seeds = seeds;
        self.given = 0;
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end.max(1))
    }

    /// Each seed unchanged, then mutations without end.
    pub(super) fn next(&mut self) -> Vec<u8> {
        if let Some(seed) = self.seeds.get(self.given) {
            self.given += 1;
            return seed.clone();
        }
        self.changed()
    }

    /// A seed with up to four mutations; one in thirty stays unchanged.
    pub(super) fn changed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        let mut text = self.seeds[at].clone();
        if self.below(30) == 0 {
            return text;
        }
        for _ in 0..=self.below(4) {
            self.change(&mut text);
        }
        text
    }

    fn change(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len());
        let to = (at + 1 + self.below(12)).min(text.len());
        match self.below(9) {
            0 if !text.is_empty() => text[at] ^= 1 << self.below(8),
            1 if !text.is_empty() => text[at] = u8::try_from(self.below(256)).unwrap(),
            2 => text.truncate(at),
            3 => drop(text.drain(at.min(to)..to)),
            4 => {
                let piece = text[at.min(to)..to].to_vec();
                let place = self.below(text.len() + 1);
                text.splice(place..place, piece);
            }
            5 => {
                let other = self.below(self.seeds.len());
                let from = self.below(self.seeds[other].len());
                text.truncate(at);
                text.extend_from_slice(&self.seeds[other][from..]);
            }
            6 => {
                // A digit swaps places with its neighbour.
                if at + 1 < text.len() && text[at].is_ascii_digit() {
                    text.swap(at, at + 1);
                }
            }
            7 => {
                let times = 1 + self.below(200);
                let piece = text[at.min(to)..to].repeat(times);
                text.splice(at..at, piece);
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                text.splice(at..at, word.bytes());
            }
        }
    }
}
