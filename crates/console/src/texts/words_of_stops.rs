//! Why nothing is sent, and what ends that: by the console's own pages, or by on-call at a command line.

use payout_domain::stop::{self, StopReason};

use super::Texts;

impl Texts {
    /// Why nothing is sent, as a clause.
    pub(crate) fn stop(&self, stopped_by: &str) -> &'static str {
        self.one(stop::meaning(stopped_by), indonesian_stop(stopped_by))
    }

    /// What ends that, as a sentence.
    pub(crate) fn opened_by(&self, stopped_by: &str) -> &'static str {
        let Ok(reason) = stopped_by.parse::<StopReason>() else {
            let (english, indonesian) = match stopped_by {
                stop::NO_WORKER => (
                    "On-call starts one with payout run.",
                    "Petugas jaga menjalankannya dengan payout run.",
                ),
                "read_only" => (
                    "Open the console of the primary instead.",
                    "Buka konsol milik server primary.",
                ),
                _ => (
                    "On-call runs the program version that migrated this database.",
                    "Petugas jaga menjalankan versi program yang memigrasikan basis data ini.",
                ),
            };
            return self.one(english, indonesian);
        };
        let (english, indonesian) = end_of(reason);
        self.one(english, indonesian)
    }
}

const fn end_of(reason: StopReason) -> (&'static str, &'static str) {
    match reason {
        StopReason::Keys => ("It takes a few seconds.", "Ini hanya beberapa detik."),
        StopReason::Gateway => (
            "The worker keeps trying. On-call finds out what is wrong with payout doctor.",
            "Worker terus mencoba. Petugas jaga mencari penyebabnya dengan payout doctor.",
        ),
        StopReason::Config => (
            "On-call corrects the configuration or registers the gateway: payout config check, payout doctor.",
            "Petugas jaga memperbaiki konfigurasi atau mendaftarkan gateway: payout config check, payout doctor.",
        ),
        StopReason::Address => (
            "On-call requests it with payout address add; somebody else approves it under Approvals.",
            "Petugas jaga mengajukannya dengan payout address add; orang lain menyetujuinya di Persetujuan.",
        ),
        StopReason::Settings => (
            "On-call corrects the database's settings; payout doctor names them.",
            "Petugas jaga memperbaiki pengaturan basis data; payout doctor menyebutkannya.",
        ),
        StopReason::Failover => (
            "Two people must accept it: see Failover, under Workers and gateway.",
            "Dua orang harus menyetujuinya: lihat Failover, di Worker dan gateway.",
        ),
        StopReason::Paused => (
            "Somebody must end the pause: Resume, under Workers and gateway.",
            "Seseorang harus mengakhiri jedanya: Lanjutkan, di Worker dan gateway.",
        ),
        StopReason::Signatures
        | StopReason::NotSent
        | StopReason::Declines
        | StopReason::Doubts => (
            "One payout at a time tests whether the fault is over; a good answer lets payouts be sent again.",
            "Payout dikirim satu per satu untuk menguji apakah gangguannya selesai; satu jawaban yang baik membuka pengiriman lagi.",
        ),
        StopReason::Books => (
            "Find out where the money went: compare a statement of the gateway, under Money. Payouts are sent again once both agree.",
            "Cari tahu ke mana dananya: bandingkan rekening koran gateway, di Keuangan. Payout dikirim lagi setelah keduanya cocok.",
        ),
        StopReason::Evidence => (
            "The worker's log says why: on-call reads it. Payouts are sent again once an answer can be stored.",
            "Penyebabnya ada di log worker: petugas jaga membacanya. Payout dikirim lagi setelah jawaban dapat disimpan.",
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
        StopReason::Books => "dana di gateway kurang dari pembukuan meski tidak ada yang berjalan",
        StopReason::Evidence => "basis data tidak menyimpan jawaban gateway",
    }
}
