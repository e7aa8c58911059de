//! Forges callbacks from genuine ones, without a key: other field borders, other blocks, other names, other bytes.

use base64::{Engine, engine::general_purpose::STANDARD};
use form_urlencoded::Serializer;
use payout_worker::gateway::sign;
use rand::{RngExt, rngs::StdRng};
use rsa::PrivateKey;

/// The bytes of text, and of signature, in a block of a 1024-bit key.
const TEXT_BYTES: usize = 117;
const BLOCK_BYTES: usize = 128;

/// A callback that the platform signed.
#[derive(Clone)]
pub(super) struct Genuine {
    fields: Vec<(String, String)>,
    signature: String,
}

impl Genuine {
    /// Fields in the order of their names.
    pub(super) fn signed(key: &PrivateKey, fields: &[(&str, &str)]) -> Self {
        let text = sign::signed_text(fields.iter().copied());
        Self {
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            signature: sign::sign(key, &text).unwrap(),
        }
    }

    fn text(&self) -> String {
        self.fields
            .iter()
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn body(&self) -> Vec<u8> {
        Serializer::new(String::new())
            .extend_pairs(&self.fields)
            .append_pair("platSign", &self.signature)
            .finish()
            .into_bytes()
    }

    /// Where each field ends in the signed text.
    fn borders(&self) -> Vec<usize> {
        let mut at = 0;
        self.fields
            .iter()
            .map(|(_, value)| {
                at += value.len();
                at
            })
            .collect()
    }

    /// The same text and signature, with the borders between the fields moved.
    fn with_borders(mut self, text: &str, borders: &[usize]) -> Self {
        let mut from = 0;
        for ((_, value), to) in self.fields.iter_mut().zip(borders) {
            let to = (*to).clamp(from, text.len());
            value.replace_range(.., &text[from..to]);
            from = to;
        }
        if let Some((_, last)) = self.fields.last_mut() {
            last.push_str(&text[from..]);
        }
        self
    }
}

/// A source of forgeries.
pub(super) struct Forger {
    genuine: Vec<Genuine>,
    rng: StdRng,
}

/// The position of a field in the order of names.
const STATUS: usize = 9;
const FEE: usize = 2;
const MONEY: usize = 4;

impl Forger {
    pub(super) fn new(genuine: Vec<Genuine>, rng: StdRng) -> Self {
        Self { genuine, rng }
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end.max(1))
    }

    fn one(&mut self) -> Genuine {
        let at = self.below(self.genuine.len());
        self.genuine[at].clone()
    }

    /// The next forgery, and the name of its kind.
    pub(super) fn forge(&mut self) -> (&'static str, Vec<u8>) {
        let genuine = self.one();
        match self.below(14) {
            0 => ("fields shifted", self.shifted(genuine, 0, 11).body()),
            1 => (
                "money shifted",
                self.shifted(genuine, FEE, MONEY + 1).body(),
            ),
            2 => (
                "status shifted",
                self.shifted(genuine, STATUS - 1, STATUS + 1).body(),
            ),
            3 => (
                "status from a number",
                self.status_from_neighbours(genuine).body(),
            ),
            4 => ("blocks spliced", self.spliced(genuine)),
            5 => ("truncated", self.truncated(genuine)),
            6 => ("on another order", self.on_another_order(genuine).body()),
            7 => ("an extra field", self.extra(genuine).body()),
            8 => ("a field missing", self.missing(genuine).body()),
            9 => ("a field twice", self.twice(genuine).body()),
            10 => ("a field renamed", self.renamed(genuine).body()),
            11 => ("bits flipped", self.flipped(&genuine)),
            12 => ("another spelling", self.respelled(genuine)),
            _ => ("a replay", genuine.body()),
        }
    }

    /// Moves one to three borders between the fields `from..to` by a few bytes.
    fn shifted(&mut self, genuine: Genuine, from: usize, to: usize) -> Genuine {
        let text = genuine.text();
        let mut borders = genuine.borders();
        for _ in 0..=self.below(3) {
            let which = from + self.below(to - from);
            let by = 1 + self.below(6);
            let border = &mut borders[which.min(10)];
            *border = if self.rng.random() {
                border.saturating_sub(by)
            } else {
                *border + by
            };
        }
        genuine.with_borders(&text, &borders)
    }

    /// The digit before or after the status becomes the status: a 4 becomes a 2 if a number beside it ends in 2.
    fn status_from_neighbours(&mut self, genuine: Genuine) -> Genuine {
        let text = genuine.text();
        let mut borders = genuine.borders();
        let back = 1 + self.below(4);
        borders[STATUS - 1] = borders[STATUS - 1].saturating_sub(back);
        borders[STATUS] = borders[STATUS - 1] + 1;
        genuine.with_borders(&text, &borders)
    }

    /// Blocks of two genuine callbacks, with the field borders of either, slightly moved.
    fn spliced(&mut self, one: Genuine) -> Vec<u8> {
        let other = self.one();
        let blocks = |genuine: &Genuine| STANDARD.decode(&genuine.signature).unwrap();
        let (a, b) = (blocks(&one), blocks(&other));
        let (text_a, text_b) = (one.text(), other.text());
        // Only text that follows a whole block can follow a block.
        if a.len() < 2 * BLOCK_BYTES || b.len() < 2 * BLOCK_BYTES {
            return self.shifted(one, 5, 11).body();
        }
        let text = format!("{}{}", &text_a[..TEXT_BYTES], &text_b[TEXT_BYTES..]);
        let signature = [&a[..BLOCK_BYTES], &b[BLOCK_BYTES..]].concat();
        let mut spliced = if self.rng.random() { one } else { other };
        spliced.signature = STANDARD.encode(signature);
        let mut borders = spliced.borders();
        if self.rng.random() {
            let which = 6 + self.below(4);
            borders[which] += self.below(3);
        }
        spliced.with_borders(&text, &borders).body()
    }

    /// A truncated body, or only the first block with its text.
    fn truncated(&mut self, genuine: Genuine) -> Vec<u8> {
        let text = genuine.text();
        if self.rng.random() && text.len() > TEXT_BYTES {
            let signature = STANDARD.decode(&genuine.signature).unwrap();
            let borders = genuine.borders();
            let mut short = genuine.with_borders(&text[..TEXT_BYTES], &borders);
            short.signature = STANDARD.encode(&signature[..BLOCK_BYTES]);
            return short.body();
        }
        let mut body = genuine.body();
        let keep = self.below(body.len());
        body.truncate(keep);
        body
    }

    fn on_another_order(&mut self, mut genuine: Genuine) -> Genuine {
        let other = self.one();
        let fields: &[usize] = match self.below(3) {
            0 => &[7],
            1 => &[7, 8],
            _ => &[4, 7, 8],
        };
        for field in fields {
            genuine.fields[*field] = other.fields[*field].clone();
        }
        genuine
    }

    /// An empty field, or one with a piece of its neighbour, so that the signed text stays the same.
    fn extra(&mut self, mut genuine: Genuine) -> Genuine {
        let at = self.below(genuine.fields.len());
        let (name, value) = genuine.fields[at].clone();
        let tail = value.len() - self.below(value.len() + 1).min(value.len());
        let (head, rest) = value.split_at(tail);
        head.clone_into(&mut genuine.fields[at].1);
        genuine
            .fields
            .insert(at + 1, (format!("{name}A"), rest.to_owned()));
        genuine
    }

    fn missing(&mut self, mut genuine: Genuine) -> Genuine {
        let at = 1 + self.below(genuine.fields.len() - 1);
        let (_, value) = genuine.fields.remove(at);
        genuine.fields[at - 1].1.push_str(&value);
        genuine
    }

    fn twice(&mut self, mut genuine: Genuine) -> Genuine {
        let at = self.below(genuine.fields.len());
        let (name, mut value) = genuine.fields[at].clone();
        if self.rng.random() {
            "2".clone_into(&mut value);
        }
        genuine.fields.insert(at, (name, value));
        genuine
    }

    /// Another name that keeps its position in the order.
    fn renamed(&mut self, mut genuine: Genuine) -> Genuine {
        let at = self.below(genuine.fields.len());
        let name = &mut genuine.fields[at].0;
        *name = match self.rng.random_range(0..3) {
            0 => format!("{name} "),
            1 => format!("{name}\u{200b}"),
            _ => format!("{}0", &name[..name.len() - 1]),
        };
        genuine
    }

    fn flipped(&mut self, genuine: &Genuine) -> Vec<u8> {
        let mut body = genuine.body();
        for _ in 0..=self.below(3) {
            let at = self.below(body.len());
            body[at] ^= 1 << self.below(8);
        }
        body
    }

    /// The same fields in other bytes: escapes, order, an unescaped base64 character, trailing bytes.
    fn respelled(&mut self, mut genuine: Genuine) -> Vec<u8> {
        match self.below(4) {
            0 => genuine.fields.reverse(),
            1 => genuine.signature.push(' '),
            2 => {
                let mut body = genuine.body();
                body.extend_from_slice(b"&");
                return body;
            }
            _ => {
                let body = genuine.body();
                let at = self.below(body.len());
                let escaped = format!("%{:02x}", body[at]);
                if body[at].is_ascii_alphanumeric() && !body[..at].ends_with(b"%") {
                    return [&body[..at], escaped.as_bytes(), &body[at + 1..]].concat();
                }
                return body;
            }
        }
        genuine.body()
    }
}
