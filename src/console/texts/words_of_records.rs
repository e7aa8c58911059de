//! Words for what is recorded: events of a payout, entries of the ledger, answers of the gateway, acts of people. In English
//! they are the names that the command line shows.

use std::borrow::Cow;

use super::Texts;

impl Texts {
    /// An event, an entry, a kind of evidence, what it proves, or an act.
    pub(in crate::console) fn record<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let indonesian = self.is_indonesian.then(|| indonesian(name)).flatten();
        indonesian.map_or_else(|| Cow::Owned(name.replace('_', " ")), Cow::Borrowed)
    }

    /// How long something has been open, by a class of `payout.age_class()`.
    pub(in crate::console) fn age_class<'a>(&self, class: &'a str) -> &'a str {
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
    use super::*;
    use crate::{
        console::language::Language,
        domain::{
            evidence_words::{Doubt, Kind},
            state::Event,
        },
    };

    #[test]
    fn what_is_recorded_has_indonesian_words_and_the_command_lines_english_ones() {
        let events = Event::ALL.map(Event::name);
        let kinds = Kind::ALL.map(Kind::name);
        let doubts = Doubt::ALL.map(Doubt::name);
        for name in events.iter().chain(&kinds).chain(&doubts) {
            assert!(indonesian(name).is_some(), "{name}");
            let english = Language::English.texts().record(name);
            assert_eq!(english, name.replace('_', " "));
        }
    }
}
