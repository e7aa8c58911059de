//! How a statement of the gateway and our payouts differ, and what to do about it.

use payout_domain::state::State;
use payout_reports::statement::{compare::Difference, lines::End};

use super::Texts;

impl Texts {
    /// How they differ, in words.
    pub(crate) fn kind_of_difference<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "missing_here" => self.one("not from here", "bukan dari sini"),
            "missing_there" => self.one("missing in the statement", "tidak ada di rekening koran"),
            "twice" => self.one("twice in the statement", "dua kali di rekening koran"),
            "amount" => self.one("amount", "nominal"),
            "status" => self.one("state", "status"),
            "fee" => self.one("fee", "biaya"),
            other => other,
        }
    }

    /// How it ended according to the gateway, in words.
    pub(crate) fn end(&self, one: &Difference) -> &'static str {
        match one.there {
            None => "–",
            Some(End::Open) => self.one("open", "belum selesai"),
            Some(End::Paid) => self.one("paid", "dibayar"),
            Some(End::Failed) => self.one("failed", "gagal"),
            Some(End::Returned) => self.one("returned", "dikembalikan"),
        }
    }

    /// What to do about it, with the console's own buttons.
    pub(crate) fn step_for_difference(&self, one: &Difference) -> &'static str {
        match one.kind {
            "missing_there" => self.one(
                "check the day before and the day after; then \"Query now\", and contact the gateway",
                "periksa hari sebelum dan sesudahnya; lalu \"Cek status sekarang\", dan hubungi gateway",
            ),
            "twice" => self.one(
                "contact the gateway: was it paid twice?",
                "hubungi gateway: apakah dibayar dua kali?",
            ),
            "amount" => self.one(
                "contact the gateway; do not pay the rest",
                "hubungi gateway; jangan bayar selisihnya",
            ),
            "fee" => self.one(
                "\"Query now\": a fee that the gateway corrects is booked; if the difference stays, contact the gateway with both fees",
                "\"Cek status sekarang\": biaya yang dikoreksi gateway akan dibukukan; bila tetap berbeda, hubungi gateway dengan kedua angka biaya",
            ),
            "status" => self.step_for_states(one.here.as_deref(), one.there),
            _ => self.not_ours(),
        }
    }

    fn not_ours(&self) -> &'static str {
        self.one(
            "it was not sent from here: who sent it?",
            "tidak dikirim dari sini: siapa yang mengirimnya?",
        )
    }

    /// What to do where our state and the gateway's end contradict each other.
    fn step_for_states(&self, here: Option<&str>, there: Option<End>) -> &'static str {
        let state = here.and_then(|state| state.parse::<State>().ok());
        match (state, there) {
            (Some(State::Paid), Some(End::Returned)) => {
                self.one("\"State that it came back\"", "\"Nyatakan: dikembalikan\"")
            }
            (Some(State::Paid | State::Failed), Some(End::Open)) => self.one(
                "the statement may be out of date; \"Query now\"",
                "rekening koran mungkin sudah usang; \"Cek status sekarang\"",
            ),
            (Some(State::Submitting | State::Pending | State::Unknown), _) => self.one(
                "\"Query now\": the answer settles it",
                "\"Cek status sekarang\": jawabannya yang menentukan",
            ),
            (Some(State::Failed), Some(End::Paid)) => self.one(
                "do not pay it again; \"Query now\", then \"State that it was paid\"",
                "jangan bayar lagi; \"Cek status sekarang\", lalu \"Nyatakan: dibayar\"",
            ),
            (Some(State::Paid), Some(End::Failed)) => self.one(
                "\"Query now\"; contact the gateway about which is true",
                "\"Cek status sekarang\"; hubungi gateway untuk memastikan mana yang benar",
            ),
            (_, _) => self.not_ours(),
        }
    }
}
