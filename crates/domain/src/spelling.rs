//! Undoes what hides a text from a comparison: escapes, encodings, and letters that only look like Latin ones.

use std::{collections::HashMap, sync::LazyLock};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Letters that look like a Latin one: Cyrillic, Greek, Armenian, Cherokee, Lisu, small capitals. `payout.plain_words`
/// has the same.
#[rustfmt::skip]
pub const LOOK_ALIKES: [(char, &str); 26] = [
    ('a', "\u{251}\u{391}\u{3b1}\u{410}\u{430}\u{13aa}\u{1d00}\u{a4ee}"),
    ('b', "\u{299}\u{392}\u{3b2}\u{412}\u{42c}\u{432}\u{44c}\u{13f4}\u{a4d0}"),
    ('c', "\u{421}\u{441}\u{13df}\u{1d04}\u{a4da}"),
    ('d', "\u{110}\u{111}\u{500}\u{501}\u{13a0}\u{1d05}\u{a4d3}"),
    ('e', "\u{395}\u{3b5}\u{415}\u{435}\u{13ac}\u{1d07}\u{a4f0}"),
    ('f', "\u{a4dd}\u{a730}"),
    ('g', "\u{261}\u{262}\u{50c}\u{50d}\u{581}\u{13c0}\u{a4d6}"),
    ('h', "\u{126}\u{127}\u{29c}\u{397}\u{41d}\u{43d}\u{4ba}\u{4bb}\u{570}\u{13bb}\u{a4e7}"),
    ('i', "\u{131}\u{269}\u{26a}\u{399}\u{3b9}\u{406}\u{456}\u{4c0}\u{4cf}\u{13a5}\u{a4f2}"),
    ('j', "\u{237}\u{3f3}\u{408}\u{458}\u{13ab}\u{1d0a}\u{a4d9}"),
    ('k', "\u{39a}\u{3ba}\u{41a}\u{43a}\u{49a}\u{49b}\u{13e6}\u{1d0b}\u{a4d7}"),
    ('l', "\u{141}\u{142}\u{29f}\u{53c}\u{13de}\u{a4e1}"),
    ('m', "\u{39c}\u{3bc}\u{41c}\u{43c}\u{13b7}\u{1d0d}\u{a4df}"),
    ('n', "\u{274}\u{39d}\u{3b7}\u{41f}\u{43f}\u{578}\u{57c}\u{a4e0}"),
    ('o', "\u{d8}\u{f8}\u{39f}\u{3bf}\u{3c3}\u{41e}\u{43e}\u{555}\u{585}\u{1d0f}\u{a4f3}"),
    ('p', "\u{3a1}\u{3c1}\u{420}\u{440}\u{13e2}\u{1d18}\u{a4d1}"),
    ('q', "\u{51a}\u{51b}\u{566}"),
    ('r', "\u{280}\u{413}\u{433}\u{13a1}\u{a4e3}"),
    ('s', "\u{405}\u{455}\u{54f}\u{13da}\u{a4e2}\u{a731}"),
    ('t', "\u{166}\u{167}\u{3a4}\u{3c4}\u{422}\u{442}\u{13a2}\u{1d1b}\u{a4d4}"),
    ('u', "\u{28b}\u{3c5}\u{418}\u{438}\u{57d}\u{1d1c}\u{a4f4}"),
    ('v', "\u{3bd}\u{474}\u{475}\u{13d9}\u{1d20}\u{a4e6}"),
    ('w', "\u{3c9}\u{428}\u{448}\u{51c}\u{51d}\u{13b3}\u{1d21}\u{a4ea}"),
    ('x', "\u{3a7}\u{3c7}\u{425}\u{445}\u{a4eb}"),
    ('y', "\u{28f}\u{3a5}\u{3b3}\u{423}\u{443}\u{4ae}\u{4af}\u{a4ec}"),
    ('z', "\u{396}\u{3b6}\u{4e1}\u{13c3}\u{1d22}\u{a4dc}"),
];

/// [`LOOK_ALIKES`] by what looks like a Latin letter: every answer of the gateway is compared.
static LATIN: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let alike = LOOK_ALIKES.iter();
    alike
        .flat_map(|(letter, others)| others.chars().map(|other| (other, *letter)))
        .collect()
});

/// An escape may be escaped itself, as in `&amp;#49;`.
const ROUNDS: usize = 3;
/// A text with more escapes than that hides what it says.
const ESCAPES_MAX: usize = 4;
/// Base64 of five digits is this long.
const BASE64_MIN: usize = 7;
/// Five digits in hexadecimal.
const HEX_MIN: usize = 10;
/// A run of letters and digits this long is no word.
const OPAQUE_MIN: usize = 24;

/// Reads base64 wherever it is cut.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The ways to read a text: as it is, without its escapes, and each part that can be decoded.
pub(crate) fn readings(text: &str) -> Vec<String> {
    let mut readings = vec![text.to_owned()];
    for _ in 0..ROUNDS {
        let Some(plain) = readings.last().map(|last| unescaped(last)) else {
            break;
        };
        if plain.1 == 0 {
            break;
        }
        readings.push(plain.0);
    }
    let decoded: Vec<String> = readings.iter().flat_map(|text| decoded(text)).collect();
    readings.extend(decoded);
    readings
}

/// Whether a text hides what it says: many escapes, or a long run of letters and digits as encodings have.
pub(crate) fn is_opaque(text: &str) -> bool {
    let is_mixed = |run: &str| {
        run.len() >= OPAQUE_MIN
            && run.contains(|c: char| c.is_ascii_digit())
            && run.contains(|c: char| c.is_ascii_alphabetic())
    };
    unescaped(text).1 > ESCAPES_MAX
        || text
            .split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)))
            .any(is_mixed)
}

/// The letters and digits of a text as what they look like, without marks.
pub(crate) fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c));
    letters.map(latin).collect()
}

/// The Latin letter that this one looks like.
fn latin(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    LATIN.get(&c).copied().unwrap_or(c)
}

/// The text without escapes, and how many there were.
fn unescaped(text: &str) -> (String, usize) {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut rest, mut count) = (text, 0_usize);
    while let Some(first) = rest.chars().next() {
        let (read, length) = if let Some((read, length)) = escape(rest) {
            count = count.saturating_add(1);
            (read, length)
        } else {
            let mut own = [0; 4];
            (
                first.encode_utf8(&mut own).as_bytes().to_vec(),
                first.len_utf8(),
            )
        };
        bytes.extend(read);
        rest = rest.get(length..).unwrap_or_default();
    }
    (String::from_utf8_lossy(&bytes).into_owned(), count)
}

/// The bytes that the escape at the start of `text` stands for, and its length.
fn escape(text: &str) -> Option<(Vec<u8>, usize)> {
    let (marker, body) = [
        "\\u{", "\\u", "\\U", "\\x", "\\", "&#x", "&#X", "&#", "&", "U+", "%u", "%", "=",
    ]
    .iter()
    .find_map(|marker| Some((*marker, text.strip_prefix(marker)?)))?;
    let (value, digits) = match marker {
        "\\u" | "%u" => number(body, 16, 4, 4),
        "\\U" => number(body, 16, 8, 8),
        "\\x" | "%" | "=" => number(body, 16, 2, 2),
        "\\" => number(body, 8, 3, 3),
        "&#" => number(body, 10, 1, 7),
        "&" => return entity(body),
        _ => number(body, 16, 1, 6),
    }?;
    let mut length = marker.len().saturating_add(digits);
    let ends = text.get(length..).is_some_and(|rest| match marker {
        "\\u{" => rest.starts_with('}'),
        "&#" | "&#x" | "&#X" => rest.starts_with(';'),
        _ => false,
    });
    length = length.saturating_add(usize::from(ends));
    let bytes = match marker {
        "%" | "=" => u8::try_from(value).ok().map(|byte| vec![byte]),
        _ => Some(utf8(value)),
    };
    Some((bytes?, length))
}

/// A named entity. Of a letter with an accent it is the letter, as `&iacute;`; of anything else it is a separator.
fn entity(body: &str) -> Option<(Vec<u8>, usize)> {
    let (name, _) = body.split_once(';')?;
    let is_name = (2..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let accents = [
        "acute", "grave", "circ", "tilde", "uml", "cedil", "ring", "slash", "caron",
    ];
    let has_accent = accents.iter().any(|accent| {
        name.strip_suffix(accent)
            .is_some_and(|letter| letter.len() == 1)
    });
    let byte = match name.as_bytes() {
        b"amp" => b'&',
        [letter, ..] if has_accent => *letter,
        _ => b' ',
    };
    is_name.then(|| (vec![byte], name.len().saturating_add(2)))
}

/// The number at the start of `text`, with its count of digits.
fn number(text: &str, radix: u32, least: usize, most: usize) -> Option<(u32, usize)> {
    let digits = text.chars().take(most).take_while(|c| c.is_digit(radix));
    let count = digits.count();
    let value = u32::from_str_radix(text.get(..count)?, radix).ok()?;
    (count >= least).then_some((value, count))
}

/// A code point as text. Half of a surrogate pair stays unreadable: its digits are mathematical ones.
fn utf8(value: u32) -> Vec<u8> {
    let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    c.to_string().into_bytes()
}

/// What the encoded parts of a text say, read from each place where a group of the encoding may begin.
fn decoded(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c)));
    runs.filter(|run| run.len() >= BASE64_MIN && !is_word(run))
        .flat_map(|run| {
            let standard = run.replace('-', "+").replace('_', "/");
            let base64 =
                (0..4).filter_map(move |from| BASE64.decode(whole(standard.get(from..)?)).ok());
            let hex = (0..2).filter_map(|from| hex(run.get(from..)?));
            base64.chain(hex).collect::<Vec<_>>()
        })
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Without a last character that is no byte alone.
fn whole(run: &str) -> &str {
    if run.len() % 4 == 1 {
        run.get(..run.len().saturating_sub(1)).unwrap_or(run)
    } else {
        run
    }
}

/// Words are in one case, but for their first letter. Hardly any encoding is.
fn is_word(run: &str) -> bool {
    let rest = run.get(1..).unwrap_or_default();
    let in_one_case = |text: &str| {
        text.bytes().all(|b| b.is_ascii_lowercase()) || text.bytes().all(|b| b.is_ascii_uppercase())
    };
    run.starts_with(|c: char| c.is_ascii_alphabetic()) && in_one_case(rest)
}

fn hex(run: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = run
        .chars()
        .map_while(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let pairs = digits.chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => high.checked_mul(16)?.checked_add(*low),
        _ => None,
    });
    (digits.len() >= HEX_MIN).then(|| pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, words: &str) -> bool {
        readings(text).iter().any(|reading| reading.contains(words))
    }

    #[test]
    fn escapes_of_any_kind_and_escaped_escapes_are_undone() {
        for text in [
            r"\u0031\u0032\u0033",
            r"\u{31}\u{32}\u{33}",
            r"\U00000031\x32\063",
            "%31%32%33",
            "%2531%2532%2533",
            "%u0031%u0032%u0033",
            "&#49;&#50;&#51;",
            "&#x31;&#x32;&#x33;",
            "&#49&#50&#51",
            "&amp;#49;&amp;#50;&amp;#51;",
            "=31=32=33",
            "U+0031U+0032U+0033",
            "1%32&#51;",
        ] {
            assert!(says(text, "123"), "{text}: {:?}", readings(text));
        }
        assert!(says("S&iacute;ti&nbsp;R", "Siti R"));
        assert!(says("%C3%A9", "é"));
        for text in [
            "",
            "100%",
            "a & b",
            "\\",
            "%zz",
            "&;",
            "&#;",
            r"\u12",
            "U+",
            "=",
            "&Toolongname;",
        ] {
            assert_eq!(readings(text), [text], "{text}");
        }
    }

    #[test]
    fn encoded_parts_are_read_wherever_they_begin() {
        for (text, words) in [
            ("MDAxMjM0NTY3OA==", "0012345678"),
            ("acct:MDAxMjM0NTY3OA", "0012345678"),
            ("xMDAxMjM0NTY3OA", "0012345678"),
            ("xyzMDAxMjM0NTY3OA", "0012345678"),
            ("MTIzNDU", "12345"),
            ("c2l0aSByYWhheXU", "siti rahayu"),
            ("U8OtdGkgUmFoYXl1", "Síti Rahayu"),
            ("30303132333435363738", "0012345678"),
            ("a3132333435", "12345"),
            ("%4d%54%49%7a%4e%44%55", "12345"),
        ] {
            assert!(says(text, words), "{text}: {:?}", readings(text));
        }
    }

    #[test]
    fn words_and_short_codes_hide_nothing() {
        for text in [
            "",
            "Success",
            "BeneficiaryAccountNotFoundException",
            "trace 550e8400-e29b-41d4-a716-446655440000",
            "https://gateway.example/pay?order=INV-77&x=1",
            "insufficient balance, 100% of 5 000",
        ] {
            assert!(!is_opaque(text), "{text}");
        }
        for text in [
            "token eJyrVkrLz1eyUkpKLFKqBQAdegQ0",
            "3f2a9c0e5b7d4f6a8c1e3b5d7f9a0c2e",
            r"\u4f59\u989d\u4e0d\u8db3\u3002",
            "%E4%BD%99%E9%A2%9D",
        ] {
            assert!(is_opaque(text), "{text}");
        }
    }
}
