//! Words for states, reasons for attention, reasons why nothing is sent, and acts.

use super::Texts;
use crate::domain::{
    attention::Attention,
    state::State,
    stop::{self, StopReason},
};

impl Texts {
    fn one(&self, english: &'static str, indonesian: &'static str) -> &'static str {
        if self.is_indonesian {
            indonesian
        } else {
            english
        }
    }

    /// Icon, class and word of a state.
    pub(in crate::console) fn state(
        &self,
        state: &str,
    ) -> (&'static str, &'static str, &'static str) {
        let Ok(state) = state.parse::<State>() else {
            return ("!", "other", self.one("of another version", "versi lain"));
        };
        match state {
            State::Queued => ("◷", "queued", self.one("queued", "antre")),
            State::Submitting => ("➤", "submitting", self.one("submitting", "dikirim")),
            State::Pending => ("⋯", "pending", self.one("pending", "diproses")),
            State::Unknown => ("?", "unknown", self.one("unknown", "tidak diketahui")),
            State::Paid => ("✓", "paid", self.one("paid", "dibayar")),
            State::Failed => ("✕", "failed", self.one("failed", "gagal")),
            State::Cancelled => ("⊘", "cancelled", self.one("cancelled", "dibatalkan")),
            State::Returned => ("↩", "returned", self.one("returned", "dikembalikan")),
        }
    }

    /// What a reason for attention means, in a sentence.
    pub(in crate::console) fn attention(&self, reason: &str) -> &'static str {
        let Ok(reason) = reason.parse::<Attention>() else {
            return match reason {
                "lease_over" => self.one(
                    "Its lease has expired, and no worker has taken it over.",
                    "Masa pegangnya habis, dan tidak ada worker yang mengambil alih.",
                ),
                "unknown_long" => self.one(
                    "It has been unknown for too long.",
                    "Terlalu lama tidak diketahui.",
                ),
                _ => self.one(
                    "It has been open for longer than a payout should be.",
                    "Terbuka lebih lama dari seharusnya.",
                ),
            };
        };
        let (english, indonesian) = meaning(reason);
        self.one(english, indonesian)
    }

    /// What a person can safely do about it.
    pub(in crate::console) fn step(&self, reason: &str, state: &str) -> &'static str {
        let worker = || {
            self.one(
                "check that a worker runs for this merchant",
                "periksa apakah worker berjalan untuk merchant ini",
            )
        };
        let replay = || self.one("query it now", "tanyakan sekarang");
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
            Attention::InsufficientFunds => {
                self.one("top up, or cancel", "isi saldo, atau batalkan")
            }
            Attention::NotFound => self.one(
                "query it now, then request a resubmit",
                "tanyakan sekarang, lalu minta kirim ulang",
            ),
            Attention::ForeignOrder | Attention::Contradiction | Attention::LateSuccess => self
                .one(
                    "contact the gateway, then state how it ended; do not pay again",
                    "hubungi gateway, lalu nyatakan akhirnya; jangan bayar lagi",
                ),
            Attention::AmountMismatch | Attention::FeeImplausible => {
                self.one("contact the gateway", "hubungi gateway")
            }
            Attention::UnreadableAnswers => self.one(
                "see the latest evidence, then contact the gateway; do not pay again",
                "lihat bukti terakhir, lalu hubungi gateway; jangan bayar lagi",
            ),
            Attention::FeeAboveReserve => self.one("raise fee_reserve", "naikkan fee_reserve"),
            Attention::FeeUnknown => self.one(
                "find the fee on the gateway's statement, then state it",
                "cari biayanya di rekening koran gateway, lalu nyatakan",
            ),
            Attention::Unproven => self.one(
                "contact the gateway, then cancel; do not pay again before that",
                "hubungi gateway, lalu batalkan; jangan bayar lagi sebelum itu",
            ),
        }
    }

    /// Why nothing is sent, as a clause.
    pub(in crate::console) fn stop(&self, stopped_by: &str) -> &'static str {
        self.one(stop::meaning(stopped_by), indonesian_stop(stopped_by))
    }

    /// What ends that, as a sentence.
    pub(in crate::console) fn opened_by(&self, stopped_by: &str) -> &'static str {
        self.one(
            stop::opened_by(stopped_by),
            "Lihat halaman Worker dan gateway, atau jalankan payout doctor.",
        )
    }

    /// What an open payout waits for, from `payout.status.waits_for`.
    pub(in crate::console) fn waits_for(&self, waits_for: &str) -> String {
        let (word, more) = waits_for.split_once(": ").unwrap_or((waits_for, ""));
        let words = match word {
            "no_worker" => self.stop("no_worker"),
            "answer" => self.one("waits for the gateway's answer", "menunggu jawaban gateway"),
            "person" => return self.attention(more).to_owned(),
            "result" => self.one("waits for the result", "menunggu hasil"),
            "query" => self.one("its status is queried", "statusnya ditanyakan"),
            "paused" => self.stop("paused"),
            "claims" => self.stop(more),
            "time" => return format!("{} {more}", self.one("due at", "jatuh tempo")),
            "funds" => self.one("waits for funds", "menunggu dana"),
            "originals" => self.one(
                "waits until what it replaces is known to be unpaid",
                "menunggu kepastian bahwa yang digantikan tidak dibayar",
            ),
            "slot" => self.one("is sent next", "segera dikirim"),
            other => return other.to_owned(),
        };
        words.to_owned()
    }

    /// The act of a request, in words.
    pub(in crate::console) fn act<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "resubmit" => self.one("resubmit", "kirim ulang"),
            "cancel" => self.one("cancel", "batalkan"),
            "resolve_paid" => self.one("state as paid", "nyatakan dibayar"),
            "resolve_failed" => self.one("state as failed", "nyatakan gagal"),
            "resolve_returned" => self.one("state as returned", "nyatakan dikembalikan"),
            "resolve_fee" => self.one("state the fee", "nyatakan biaya"),
            "resolve_unchanged" => self.one("state as unchanged", "nyatakan tidak berubah"),
            "fund" => self.one("book a top-up", "bukukan isi ulang"),
            "accept_failover" => {
                self.one("continue after a failover", "lanjutkan setelah failover")
            }
            "register_address" => self.one("register an address", "daftarkan alamat"),
            "remove_address" => self.one("remove an address", "hapus alamat"),
            other => other,
        }
    }

    /// An account of the ledger, in words.
    pub(in crate::console) fn account_of_ledger<'a>(&self, account: &'a str) -> &'a str {
        match account {
            "available" => self.available,
            "held" => self.held,
            "paid_out" => self.paid_out,
            "fees" => self.fees,
            "funding" => self.funding,
            other => other,
        }
    }

    /// How a statement and a payout differ, in words.
    pub(in crate::console) fn kind_of_difference<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "missing_here" => self.one("not from here", "bukan dari sini"),
            "missing_there" => self.one("missing in the statement", "tidak ada di rekening koran"),
            "twice" => self.one("twice in the statement", "dua kali di rekening koran"),
            "amount" => self.one("amount", "jumlah"),
            "status" => self.one("state", "status"),
            "fee" => self.one("fee", "biaya"),
            other => other,
        }
    }

    /// What to do about a difference; `next` says it in English.
    pub(in crate::console) fn step_for_difference<'a>(&self, kind: &str, next: &'a str) -> &'a str {
        if !self.is_indonesian {
            return next;
        }
        match kind {
            "missing_here" => "tidak dikirim dari sini: siapa yang mengirimnya?",
            "missing_there" => {
                "periksa hari sebelum dan sesudahnya; lalu tanyakan sekarang, dan hubungi gateway"
            }
            "twice" => "hubungi gateway: apakah dibayar dua kali?",
            "amount" => "hubungi gateway; jangan bayar sisanya",
            "fee" => "hubungi gateway",
            _ => "jangan bayar lagi; tanyakan sekarang, lalu hubungi gateway",
        }
    }

    /// The status of a request, in words.
    pub(in crate::console) fn request_status<'a>(&self, status: &'a str) -> &'a str {
        match status {
            "waiting" => self.one("waiting", "menunggu"),
            "expired" => self.one("expired", "kedaluwarsa"),
            "rejected" => self.one("rejected", "ditolak"),
            "approved" => self.one("approved", "disetujui"),
            "done" => self.one("done", "selesai"),
            "refused" => self.one("refused", "ditolak aturan"),
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
            "The gateway has answered \"not found\" several times, late enough to count.",
            "Gateway beberapa kali menjawab \"tidak ditemukan\", cukup lambat untuk diperhitungkan.",
        ),
        Attention::ForeignOrder => (
            "Perhaps another order: the gateway declined it and yet knows it, or gave it another payout's number.",
            "Mungkin order lain: gateway menolaknya namun mengenalnya, atau memberinya nomor payout lain.",
        ),
        Attention::Contradiction => (
            "The gateway's answers about it contradict each other.",
            "Jawaban gateway tentangnya saling bertentangan.",
        ),
        Attention::AmountMismatch => (
            "The gateway states another amount than we sent.",
            "Gateway menyatakan jumlah lain dari yang kita kirim.",
        ),
        Attention::FeeImplausible => (
            "The gateway states a fee that cannot be true.",
            "Gateway menyatakan biaya yang mustahil.",
        ),
        Attention::FeeAboveReserve => (
            "The fee was higher than the reserve for it.",
            "Biayanya lebih tinggi dari cadangannya.",
        ),
        Attention::FeeUnknown => (
            "The gateway has never stated the fee, so what is held for it stays held.",
            "Gateway belum pernah menyatakan biayanya, jadi cadangannya tetap ditahan.",
        ),
        Attention::UnreadableAnswers => (
            "The gateway's answers cannot be read or verified.",
            "Jawaban gateway tidak dapat dibaca atau diverifikasi.",
        ),
        Attention::LateSuccess => (
            "It was settled as failed, and later the gateway said paid.",
            "Diselesaikan sebagai gagal, lalu gateway menyatakan dibayar.",
        ),
        Attention::OpenTooLong => (
            "It has been open for longer than a payout should be.",
            "Terbuka lebih lama dari seharusnya.",
        ),
        Attention::Unproven => (
            "It may have been sent before a failover, and the gateway cannot tell: it was set aside.",
            "Mungkin dikirim sebelum failover, dan gateway tidak dapat memastikan: disisihkan.",
        ),
    }
}

fn indonesian_stop(stopped_by: &str) -> &'static str {
    let Ok(reason) = stopped_by.parse::<StopReason>() else {
        return match stopped_by {
            stop::NO_WORKER => "tidak ada worker yang berjalan untuknya",
            "read_only" => "server ini standby, tidak dapat ditulis",
            _ => "alasannya tidak dikenal versi ini",
        };
    };
    match reason {
        StopReason::Keys => "worker sedang membuktikan kunci",
        StopReason::Gateway => "gateway tidak terjangkau atau menjawab salah",
        StopReason::Config => "gateway atau kunci platform worker berbeda dari yang terdaftar",
        StopReason::Address => "worker memakai alamat basis data yang tidak terdaftar",
        StopReason::Settings => {
            "basis data dapat kehilangan pengiriman yang sudah dicatat, atau menyembunyikan baris"
        }
        StopReason::Failover => "catatan dapat hilang setelah failover atau pemulihan",
        StopReason::Paused => "sedang dijeda",
        StopReason::Signatures => "ada jawaban gateway dengan tanda tangan salah",
        StopReason::NotSent => "gateway beberapa kali berturut-turut tidak terjangkau",
        StopReason::Declines => "gateway beberapa kali berturut-turut menolak",
        StopReason::Doubts => "gateway beberapa kali berturut-turut menjawab meragukan",
        StopReason::Books => "saldo gateway kurang dari pembukuan meski tidak ada yang berjalan",
        StopReason::Evidence => "basis data tidak menyimpan jawaban gateway",
    }
}
