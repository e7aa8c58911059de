//! Words for states, reasons for attention, reasons why nothing is sent, and acts.

use payout_domain::{attention::Attention, state::State};

use super::Texts;

impl Texts {
    pub(super) fn one(&self, english: &'static str, indonesian: &'static str) -> &'static str {
        if self.is_indonesian {
            indonesian
        } else {
            english
        }
    }

    /// How often.
    pub(crate) fn how_often(&self, times: i32) -> String {
        match (times, self.is_indonesian) {
            (1, false) => "once".to_owned(),
            (times, false) => format!("{times} times"),
            (times, true) => format!("{times} kali"),
        }
    }

    /// What kind of answer had a wrong signature.
    pub(crate) fn answer_to(&self, source: &str) -> &'static str {
        if source == "submit" {
            self.one("in an answer to a submit", "pada jawaban atas pengiriman")
        } else {
            self.one("in an answer to a query", "pada jawaban atas cek status")
        }
    }

    /// Icon, class and word of a state.
    pub(crate) fn state(&self, state: &str) -> (&'static str, &'static str, &'static str) {
        let Ok(state) = state.parse::<State>() else {
            return ("!", "other", self.one("of another version", "versi lain"));
        };
        match state {
            State::Queued => ("◷", "queued", self.one("queued", "antre")),
            State::Submitting => ("➤", "submitting", self.one("submitting", "sedang dikirim")),
            State::Pending => ("⋯", "pending", self.one("pending", "diproses")),
            State::Unknown => ("?", "unknown", self.one("unknown", "tidak diketahui")),
            State::Paid => ("✓", "paid", self.one("paid", "dibayar")),
            State::Failed => ("✕", "failed", self.one("failed", "gagal")),
            State::Cancelled => ("⊘", "cancelled", self.one("cancelled", "dibatalkan")),
            State::Returned => ("↩", "returned", self.one("returned", "dikembalikan")),
        }
    }

    /// What a reason for attention means, in a sentence.
    pub(crate) fn attention(&self, reason: &str) -> &'static str {
        let Ok(reason) = reason.parse::<Attention>() else {
            return match reason {
                "lease_over" => self.one(
                    "Its lease has expired, and no worker has taken it over.",
                    "Batas waktu worker yang memegangnya sudah lewat, dan tidak ada worker yang mengambil alih.",
                ),
                "unknown_long" => self.one(
                    "It has been unknown for too long.",
                    "Statusnya terlalu lama tidak diketahui.",
                ),
                _ => self.one(
                    "It has been open for longer than a payout should be.",
                    "Belum selesai lebih lama dari seharusnya.",
                ),
            };
        };
        let (english, indonesian) = meaning(reason);
        self.one(english, indonesian)
    }

    /// What a person can safely do about it.
    pub(crate) fn step(&self, reason: &str, state: &str) -> &'static str {
        let worker = || {
            self.one(
                "see under Workers and gateway whether a worker runs for this merchant",
                "lihat di Worker dan gateway apakah ada worker yang berjalan untuk merchant ini",
            )
        };
        let replay = || self.one("\"Query now\"", "\"Cek status sekarang\"");
        let is_queued = state == State::Queued.name();
        let Ok(reason) = reason.parse::<Attention>() else {
            return if is_queued || reason == "lease_over" {
                worker()
            } else {
                replay()
            };
        };
        match reason {
            Attention::OpenTooLong if is_queued => worker(),
            Attention::OpenTooLong => replay(),
            Attention::InsufficientFunds => self.one(
                "top up at the gateway, or \"Cancel\"",
                "isi saldo di gateway, atau \"Batalkan\"",
            ),
            Attention::NotFound => self.one(
                "\"Query now\", then \"Request resubmit\"",
                "\"Cek status sekarang\", lalu \"Ajukan kirim ulang\"",
            ),
            Attention::ForeignOrder | Attention::Contradiction | Attention::LateSuccess => self
                .one(
                    "contact the gateway, then state how it ended; do not pay again",
                    "hubungi gateway, lalu nyatakan hasil akhirnya; jangan bayar lagi",
                ),
            Attention::AmountMismatch | Attention::FeeImplausible => {
                self.one("contact the gateway", "hubungi gateway")
            }
            Attention::UnreadableAnswers => self.one(
                "see the latest evidence, then contact the gateway; do not pay again",
                "lihat bukti terakhir, lalu hubungi gateway; jangan bayar lagi",
            ),
            Attention::FeeAboveReserve => self.one(
                "on-call raises fee_reserve in the configuration",
                "petugas jaga menaikkan fee_reserve di konfigurasi",
            ),
            Attention::FeeUnknown => self.one(
                "find the fee on the gateway's statement, then \"State its fee\"",
                "cari biayanya di rekening koran gateway, lalu \"Nyatakan: biaya\"",
            ),
            Attention::Unproven => self.one(
                "contact the gateway, then \"Cancel\"; do not pay again before that",
                "hubungi gateway, lalu \"Batalkan\"; jangan bayar lagi sebelum itu",
            ),
        }
    }

    /// What an open payout waits for, from `payout.status.waits_for`.
    pub(crate) fn waits_for(&self, waits_for: &str) -> String {
        let (word, more) = waits_for.split_once(": ").unwrap_or((waits_for, ""));
        let words = match word {
            "no_worker" => self.stop("no_worker"),
            "answer" => self.one("waits for the gateway's answer", "menunggu jawaban gateway"),
            "person" => return self.attention(more).to_owned(),
            "result" => self.one("waits for the result", "menunggu hasil"),
            "query" => self.one("its status is queried", "statusnya dicek ke gateway"),
            "paused" => self.stop("paused"),
            "claims" => self.stop(more),
            "time" => return format!("{} {more}", self.one("due at", "jatuh tempo")),
            "funds" => self.one("waits for funds", "menunggu dana"),
            "originals" => self.one(
                "waits until what it replaces is known to be unpaid",
                "menunggu kepastian bahwa payout yang digantikan tidak dibayar",
            ),
            "slot" => self.one("is sent next", "segera dikirim"),
            other => return other.to_owned(),
        };
        words.to_owned()
    }

    /// The act of a request, in words.
    pub(crate) fn act<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "resubmit" => self.one("resubmit", "kirim ulang"),
            "cancel" => self.one("cancel", "batalkan"),
            "resolve_paid" => self.one("state as paid", "nyatakan dibayar"),
            "resolve_failed" => self.one("state as failed", "nyatakan gagal"),
            "resolve_returned" => self.one("state as returned", "nyatakan dikembalikan"),
            "resolve_fee" => self.one("state the fee", "nyatakan biaya"),
            "resolve_unchanged" => self.one("state as unchanged", "nyatakan tidak berubah"),
            "fund" => self.one(
                "book a top-up or a withdrawal",
                "bukukan isi saldo atau penarikan",
            ),
            "accept_failover" => {
                self.one("continue after a failover", "lanjutkan setelah failover")
            }
            "register_address" => self.one("register an address", "daftarkan alamat"),
            "remove_address" => self.one("remove an address", "hapus alamat"),
            "reveal" => self.one("show the beneficiary", "tampilkan data penerima"),
            other => other,
        }
    }

    /// An account of the ledger, in words.
    pub(crate) fn account_of_ledger<'a>(&self, account: &'a str) -> &'a str {
        match account {
            "available" => self.available,
            "held" => self.held,
            "paid_out" => self.paid_out,
            "fees" => self.fees,
            "funding" => self.funding,
            other => other,
        }
    }

    /// People that the database joins with "and", in the reader's language.
    pub(crate) fn people(&self, people: &str) -> String {
        match people.split_once(" and ") {
            Some((one, other)) => format!("{one}{}{other}", self.one(" and ", " dan ")),
            None => people.to_owned(),
        }
    }

    /// The status of a request, in words.
    pub(crate) fn request_status<'a>(&self, status: &'a str) -> &'a str {
        match status {
            "waiting" => self.one("waiting", "menunggu"),
            "expired" => self.one("expired", "kedaluwarsa"),
            "rejected" => self.one("rejected", "ditolak"),
            "approved" => self.one("approved", "disetujui"),
            "done" => self.one("done", "selesai"),
            "refused" => self.one("refused", "ditolak sistem"),
            "partly" => self.one("partly done", "sebagian selesai"),
            other => other,
        }
    }
}

const fn meaning(reason: Attention) -> (&'static str, &'static str) {
    match reason {
        Attention::InsufficientFunds => (
            "The available balance does not cover it.",
            "Saldo tersedia tidak mencukupi.",
        ),
        Attention::NotFound => (
            "The gateway has answered \"not found\" several times, long enough after it was sent to count.",
            "Gateway beberapa kali menjawab \"tidak ditemukan\", cukup lama setelah dikirim untuk diperhitungkan.",
        ),
        Attention::ForeignOrder => (
            "Perhaps another order: the gateway declined it and yet knows it, or gave it another payout's number.",
            "Mungkin order lain: gateway menolaknya tetapi mengenalnya, atau memberinya nomor milik payout lain.",
        ),
        Attention::Contradiction => (
            "The gateway's answers about it contradict each other.",
            "Jawaban gateway tentang payout ini saling bertentangan.",
        ),
        Attention::AmountMismatch => (
            "The gateway states another amount than we sent.",
            "Gateway menyatakan nominal yang berbeda dari yang kita kirim.",
        ),
        Attention::FeeImplausible => (
            "The gateway states a fee that cannot be true.",
            "Gateway menyatakan biaya yang tidak mungkin benar.",
        ),
        Attention::FeeAboveReserve => (
            "The fee was higher than the reserve for it.",
            "Biayanya lebih tinggi daripada dana yang dicadangkan untuknya.",
        ),
        Attention::FeeUnknown => (
            "The gateway has never stated the fee, so what is held for it stays held.",
            "Gateway belum pernah menyatakan biayanya, jadi dana yang dicadangkan tetap ditahan.",
        ),
        Attention::UnreadableAnswers => (
            "The gateway's answers cannot be read or verified.",
            "Jawaban gateway tidak dapat dibaca atau diverifikasi.",
        ),
        Attention::LateSuccess => (
            "It was settled as failed, and later the gateway said paid.",
            "Sudah diselesaikan sebagai gagal, lalu gateway menyatakan sudah dibayar.",
        ),
        Attention::OpenTooLong => (
            "It has been open for longer than a payout should be.",
            "Belum selesai lebih lama dari seharusnya.",
        ),
        Attention::Unproven => (
            "It may have been sent before a failover, and the gateway cannot tell: it was set aside.",
            "Mungkin dikirim sebelum failover, dan gateway tidak dapat memastikannya: disisihkan.",
        ),
    }
}
