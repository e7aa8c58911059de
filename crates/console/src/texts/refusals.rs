//! What each refusal of the database means to whoever acted, by its SQLSTATE. The database's own sentence is shown beneath.

use super::Texts;

/// Declares them: `CODE: "English", "Indonesian";`.
macro_rules! refusals {
    ($($code:literal: $english:literal, $indonesian:literal;)*) => {
        impl Texts {
            /// What this code means; `None` for one that no act of the console meets.
            pub(crate) fn refusal(&self, code: &str) -> Option<&'static str> {
                match code {
                    $($code => Some(self.one($english, $indonesian)),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const REFUSALS: &[(&str, &str, &str)] = &[$(($code, $english, $indonesian),)*];
    };
}

refusals! {
    "PW002": "The amount is not whole rupiah, or is outside the limits.", "Jumlahnya bukan rupiah bulat, atau di luar batas.";
    "PW007": "The merchant is not registered, or your login may not act for it.", "Merchant tidak terdaftar, atau login Anda tidak berwenang atas merchant ini.";
    "PW011": "The instruction of a payout is never changed.", "Instruksi payout tidak pernah diubah.";
    "PW012": "A state or a hold would change without what it must rest on.", "Status atau dana yang ditahan akan berubah tanpa dasar yang diperlukan.";
    "PW013": "This is not possible in the payout's present state.", "Ini tidak mungkin dalam status payout saat ini.";
    "PW014": "There is no payout with this number.", "Tidak ada payout dengan nomor ini.";
    "PW015": "It cannot be booked like this: the reference is already used or malformed, or the balance does not cover it.", "Tidak dapat dibukukan seperti ini: referensinya sudah dipakai atau salah tulis, atau saldo tidak mencukupi.";
    "PW016": "What is recorded is never changed.", "Yang sudah dicatat tidak pernah diubah.";
    "PW018": "That is too much at once.", "Terlalu banyak sekaligus.";
    "PW019": "A failover is not over yet: not every payout has been queried again, or no worker watches the server's clock.", "Failover belum tuntas: belum semua payout dicek ulang, atau tidak ada worker yang mengawasi jam server.";
    "PW020": "There is no such request, or nothing is paused there.", "Permintaan itu tidak ada, atau tidak ada yang dijeda di sana.";
    "PW021": "The request is yours: somebody else must approve it.", "Permintaan ini milik Anda: orang lain yang harus menyetujui.";
    "PW022": "The request has expired. Make a new one.", "Permintaan sudah kedaluwarsa. Buat permintaan baru.";
    "PW023": "It is already decided, or it waits in another request.", "Sudah diputuskan, atau masih menunggu dalam permintaan lain.";
    "PW024": "The rules do not allow this act on the payout now.", "Aturan saat ini tidak mengizinkan tindakan ini atas payout tersebut.";
    "PW025": "Its end cannot be stated like this now.", "Hasil akhirnya saat ini tidak dapat dinyatakan seperti ini.";
    "PW026": "Something that you filled in is missing, too long or does not fit.", "Ada isian yang kosong, terlalu panjang, atau tidak sesuai.";
    "PW027": "What is to be paused is unknown, or its daily times are wrong.", "Yang hendak dijeda tidak dikenal, atau jam hariannya salah.";
    "PW028": "There is no approved request for this under a login of its own.", "Tidak ada permintaan yang disetujui untuk ini dengan login masing-masing.";
    "PW030": "Your request to see the beneficiary was not recorded.", "Permintaan Anda untuk melihat data penerima tidak tercatat.";
    "PW031": "This takes two people: request it, and somebody else approves it.", "Ini memerlukan dua orang: ajukan permintaan, lalu orang lain menyetujuinya.";
    "PW032": "The order number must be typed once more.", "Nomor order harus diketik sekali lagi.";
    "PW033": "This ran in the session of another login.", "Ini berjalan dalam sesi login lain.";
    "PW034": "The transaction began too early to see what others have done.", "Transaksi dimulai terlalu awal untuk melihat perubahan dari orang lain.";
    "PW035": "The text repeats the beneficiary's account number or name. Write a ticket number instead.", "Teks memuat nomor rekening atau nama penerima. Tulis nomor tiket saja.";
    "PW040": "The database was restored: a worker must run before anything can be recorded.", "Basis data baru dipulihkan: worker harus berjalan dulu sebelum ada yang dapat dicatat.";
    "PW050": "The address cannot be registered or removed like this.", "Alamat itu tidak dapat didaftarkan atau dihapus seperti ini.";
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Raised only where a payout is inserted, a claim is made, a gateway is registered or rows are replicated.
    const OF_NO_ACT: [&str; 16] = [
        "PW001", "PW003", "PW004", "PW005", "PW006", "PW008", "PW009", "PW010", "PW017", "PW029",
        "PW041", "PW042", "PW055", "PW060", "PW061", "PW062",
    ];

    /// Every code that the migrations raise.
    fn raised() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut codes = BTreeSet::new();
        for file in fs::read_dir(folder).unwrap() {
            let sql = fs::read_to_string(file.unwrap().path()).unwrap();
            codes.extend(
                sql.split("'PW")
                    .skip(1)
                    .map(|rest| format!("PW{}", &rest[..3])),
            );
        }
        codes
    }

    #[test]
    fn every_code_that_an_act_can_raise_has_a_sentence_in_both_languages() {
        let known: BTreeSet<String> = REFUSALS
            .iter()
            .map(|(code, _, _)| (*code).to_owned())
            .collect();
        let of_no_act = OF_NO_ACT.map(str::to_owned).into();
        assert!(known.is_disjoint(&of_no_act));
        assert_eq!(raised(), &known | &of_no_act);
        for (code, english, indonesian) in REFUSALS {
            assert_ne!(english, indonesian, "{code}");
            for text in [english, indonesian] {
                assert!(
                    text.ends_with('.') && !text.contains("{}"),
                    "{code}: {text}"
                );
            }
        }
    }
}
