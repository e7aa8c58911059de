//! Words for what is recorded: events of a payout, entries of the ledger, answers of the gateway, acts of people. In English
//! they are the names that the command line shows.

use std::borrow::Cow;

use payout_domain::evidence_words::Mismatch;

use super::Texts;

impl Texts {
    /// An event, an entry, a kind of evidence, what it proves, or an act.
    pub(crate) fn record<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let indonesian = self.is_indonesian.then(|| indonesian(name)).flatten();
        indonesian.map_or_else(|| Cow::Owned(name.replace('_', " ")), Cow::Borrowed)
    }

    /// The status that the gateway states, by its documented number.
    pub(crate) fn gateway_status(&self, code: i16) -> String {
        let meaning = match code {
            0 => self.one("new", "baru"),
            1 => self.one("in progress", "diproses"),
            2 => self.one("paid", "dibayar"),
            3 => self.one("cancelled", "dibatalkan"),
            4 => self.one("failed", "gagal"),
            5 => self.one("at the bank", "di bank"),
            _ => "?",
        };
        format!("status {code} ({meaning})")
    }

    /// What of a callback does not match the payout.
    pub(crate) fn mismatch<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match name.parse::<Mismatch>() {
            Ok(mismatch) => {
                let (english, indonesian) = of_mismatch(mismatch);
                Cow::Borrowed(self.one(english, indonesian))
            }
            // Of another version.
            Err(_) => Cow::Borrowed(name),
        }
    }

    /// The name of a field of a message, one of [`FIELDS`].
    pub(crate) fn field(&self, name: &'static str) -> &'static str {
        let mut fields = FIELDS.iter();
        let found = fields.find(|(field, _)| *field == name);
        found.map_or(name, |(_, indonesian)| self.one(name, indonesian))
    }

    /// How long something has been open, by a class of `payout.age_class()`.
    pub(crate) fn age_class<'a>(&self, class: &'a str) -> &'a str {
        match class {
            "0-1h" => self.one("0-1 h", "0-1 jam"),
            "1-6h" => self.one("1-6 h", "1-6 jam"),
            "6-24h" => self.one("6-24 h", "6-24 jam"),
            "1-3d" => self.one("1-3 days", "1-3 hari"),
            "older" => self.one("older", "lebih lama"),
            other => other,
        }
    }
}

/// The fields of a message that people see: short ones that say why.
pub(crate) const FIELDS: [(&str, &str); 10] = [
    ("by", "oleh"),
    ("approved_by", "disetujui oleh"),
    ("reason", "alasan"),
    ("problem", "masalah"),
    ("status", "status"),
    ("message", "pesan"),
    ("msg", "pesan"),
    ("statusMsg", "pesan status"),
    ("fee", "biaya"),
    ("http_status", "status HTTP"),
];

const fn of_mismatch(mismatch: Mismatch) -> (&'static str, &'static str) {
    match mismatch {
        Mismatch::UnexpectedField => ("a field too many", "ada isian yang tidak dikenal"),
        Mismatch::MissingField => ("a field is missing", "ada isian yang kurang"),
        Mismatch::OrderNum => ("another order number", "nomor order berbeda"),
        Mismatch::BankCode => ("another bank", "bank berbeda"),
        Mismatch::Number => ("another account number", "nomor rekening berbeda"),
        Mismatch::Name => ("another account name", "nama rekening berbeda"),
        Mismatch::Description => ("another description", "keterangan berbeda"),
        Mismatch::Money => ("another amount", "nominal berbeda"),
        Mismatch::FeeType => ("another fee type", "jenis biaya berbeda"),
        Mismatch::Fee => ("an unreadable fee", "biaya tidak terbaca"),
        Mismatch::PlatOrderNum => ("another gateway number", "nomor gateway berbeda"),
        Mismatch::StatusMsg => ("a digit in its words", "ada angka dalam pesannya"),
        Mismatch::SeveralBlocks => ("its text is too long", "teksnya terlalu panjang"),
        Mismatch::Status => ("an unknown status", "status tidak dikenal"),
        Mismatch::NotCompared => ("not compared", "tidak dibandingkan"),
    }
}

fn indonesian(name: &str) -> Option<&'static str> {
    event(name)
        .or_else(|| entry(name))
        .or_else(|| evidence(name))
        .or_else(|| act(name))
}

fn event(name: &str) -> Option<&'static str> {
    Some(match name {
        "enqueued" => "dimasukkan",
        "claimed" => "diambil untuk dikirim",
        "not_sent" => "tidak terkirim",
        "withdrawn" => "ditarik",
        "acknowledged" => "diterima gateway",
        "declined" => "ditolak gateway",
        "unanswered" => "tanpa jawaban pasti",
        "refusal_confirmed" => "penolakan dipastikan",
        "found_after_failover" => "ditemukan setelah failover",
        "resubmit_granted" => "kirim ulang disetujui",
        "reported_paid" => "dilaporkan dibayar",
        "reported_failed" => "dilaporkan gagal",
        "resolved_paid" => "dinyatakan dibayar",
        "resolved_failed" => "dinyatakan gagal",
        "resolved_returned" => "dinyatakan dikembalikan",
        "replay_requested" => "cek status diminta",
        "attention_raised" => "perlu ditangani",
        "contradicted" => "jawaban bertentangan",
        "statement_confirmed" => "pernyataan dipastikan gateway",
        "fee_known" => "biaya diketahui",
        "fee_stated" => "biaya dinyatakan",
        "fee_corrected" => "biaya dikoreksi",
        "upheld" => "hasil akhir dipertahankan",
        _ => return None,
    })
}

fn entry(name: &str) -> Option<&'static str> {
    Some(match name {
        "hold" => "dana ditahan",
        "capture" => "dibayarkan",
        "release" => "dana dilepas",
        "return" => "dana dikembalikan",
        "late_capture" => "dibayarkan belakangan",
        "funding" => "isi saldo",
        _ => return None,
    })
}

fn evidence(name: &str) -> Option<&'static str> {
    Some(match name {
        "submit" => "pengiriman",
        "query" => "cek status",
        "callback" => "callback",
        "operator" => "operator",
        "worker" => "worker",
        "backend" => "backend",
        "sql" => "SQL",
        "found" => "ditemukan",
        "not_found" => "tidak ditemukan",
        "doubt" => "meragukan",
        "lease_expired" => "batas waktu worker lewat",
        "timeout" => "tidak ada jawaban",
        "connection_lost" => "koneksi terputus",
        "gateway_unsure" => "gateway tidak pasti",
        "http_status" => "status HTTP lain",
        "bad_signature" => "tanda tangan salah",
        "unreadable" => "tidak terbaca",
        "foreign" => "tentang hal lain",
        "number_in_use" => "nomor sudah terpakai",
        "unreachable" => "tidak terjangkau",
        "nothing" => "tidak membuktikan apa pun",
        "refusal" => "membuktikan penolakan",
        "absence" => "membuktikan tidak ada",
        "contradiction" => "bertentangan",
        _ => return None,
    })
}

fn act(name: &str) -> Option<&'static str> {
    Some(match name {
        "approved" => "disetujui",
        "rejected" => "ditolak",
        "paused" => "dijeda",
        "resumed" => "dilanjutkan",
        "revealed" => "data penerima ditampilkan",
        "funded" => "isi saldo dibukukan",
        "request_withdrawn" => "permintaan ditarik",
        "resubmit" => "kirim ulang",
        "cancel" => "pembatalan",
        "resolve_paid" => "pernyataan dibayar",
        "resolve_failed" => "pernyataan gagal",
        "resolve_returned" => "pernyataan dikembalikan",
        "resolve_fee" => "pernyataan biaya",
        "resolve_unchanged" => "pernyataan tidak berubah",
        "resubmit_requested" => "kirim ulang diajukan",
        "cancel_requested" => "pembatalan diajukan",
        "resolve_paid_requested" => "pernyataan dibayar diajukan",
        "resolve_failed_requested" => "pernyataan gagal diajukan",
        "resolve_returned_requested" => "pernyataan dikembalikan diajukan",
        "resolve_fee_requested" => "pernyataan biaya diajukan",
        "resolve_unchanged_requested" => "pernyataan tidak berubah diajukan",
        "fund_requested" => "isi saldo diajukan",
        "reveal_requested" => "penampilan data penerima diminta",
        "accept_failover_requested" => "kelanjutan setelah failover diajukan",
        "register_address_requested" => "pendaftaran alamat diajukan",
        "remove_address_requested" => "penghapusan alamat diajukan",
        "done" => "selesai",
        "refused" => "ditolak sistem",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use payout_domain::{
        evidence::Source,
        evidence_words::{Doubt, Kind, Proves},
        state::Event,
    };

    use super::*;
    use crate::language::Language;

    #[test]
    fn what_is_recorded_has_indonesian_words_and_the_command_lines_english_ones() {
        let names = [
            &Event::ALL.map(Event::name)[..],
            &Kind::ALL.map(Kind::name),
            &Doubt::ALL.map(Doubt::name),
            &Proves::ALL.map(Proves::name),
            &Source::ALL.map(Source::name),
        ];
        for name in names.concat() {
            assert!(indonesian(name).is_some(), "{name}");
            let english = Language::English.texts().record(name);
            assert_eq!(english, name.replace('_', " "));
        }
    }

    fn migration(name: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        fs::read_to_string(folder.join(name)).unwrap()
    }

    /// The words in quotes between the first place that reads `begin` and the next that reads `end`.
    fn quoted<'a>(sql: &'a str, begin: &str, end: &str) -> BTreeSet<&'a str> {
        let (_, rest) = sql.split_once(begin).expect(begin);
        let (list, _) = rest.split_once(end).expect(end);
        list.split('\'').skip(1).step_by(2).collect()
    }

    #[test]
    fn what_only_the_database_names_has_indonesian_words_too() {
        let (ledger, requests) = (
            migration("0003_ledger.sql"),
            migration("0004_requests_and_pauses.sql"),
        );
        let entries = quoted(&ledger, "constraint kind_is_known check (kind in (", ")");
        let kinds = quoted(&requests, "constraint kind_is_known check (kind in (", ")");
        let outcomes = quoted(&requests, "check (outcome in (", ")");
        let decisions = quoted(&requests, "check (decision in (", ")");
        assert_eq!(
            (entries.len(), kinds.len(), outcomes.len(), decisions.len()),
            (8, 12, 2, 2)
        );
        let recorded = entries.iter().chain(&outcomes).chain(&decisions);
        for name in recorded.chain(["sql", "backend", "funded"].iter()) {
            assert!(indonesian(name).is_some(), "{name}");
        }
        let (english, other) = (Language::English.texts(), Language::Indonesian.texts());
        for kind in &kinds {
            assert!(indonesian(&format!("{kind}_requested")).is_some(), "{kind}");
            assert_ne!(other.act(kind), *kind, "{kind}");
            assert_ne!(other.act(kind), english.act(kind), "{kind}");
        }
        // What an operator's act is called: each is named where it is recorded.
        for file in ["0007_guards.sql", "0008_contract.sql"] {
            let sql = migration(file);
            for recorded in sql.split("insert into payout.operator_acts").skip(1) {
                let begin = recorded.split(';').next().unwrap_or_default();
                let values = begin.split_once(")\n").map_or("", |(_, values)| values);
                let values = values.trim_start();
                let literal = ["values ('", "select '"]
                    .iter()
                    .find_map(|begin| values.strip_prefix(begin));
                let Some(name) = literal.and_then(|rest| rest.split('\'').next()) else {
                    continue; // the kind of a request, or a decision
                };
                assert!(indonesian(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn what_a_payout_waits_for_is_said_in_words() {
        let sql = migration("0008_contract.sql");
        let (_, body) = sql
            .split_once("create function payout.waits_for(p payout.payouts, standstill jsonb)")
            .unwrap();
        let (body, _) = body.split_once("end $$").unwrap();
        let mut names = BTreeSet::new();
        for then in body
            .split("then '")
            .skip(1)
            .chain(body.split("else '").skip(1))
        {
            names.extend(then.split('\'').next());
        }
        assert_eq!(names.len(), 11, "{names:?}");
        for language in [Language::English, Language::Indonesian] {
            for name in &names {
                let said = language.texts().waits_for(name);
                assert_ne!(said, *name, "{name}");
            }
        }
    }

    #[test]
    fn every_field_and_every_mismatch_has_words_in_both_languages() {
        let (english, indonesian) = (Language::English.texts(), Language::Indonesian.texts());
        for mismatch in Mismatch::ALL {
            let name = mismatch.name();
            assert_ne!(english.mismatch(name), indonesian.mismatch(name), "{name}");
        }
        assert_eq!(english.mismatch("of a later version"), "of a later version");
        for (field, other) in FIELDS {
            assert_eq!(english.field(field), field);
            assert_eq!(indonesian.field(field), other);
        }
        for code in 0..=5 {
            assert!(!indonesian.gateway_status(code).contains('?'), "{code}");
        }
    }
}
