//! What stands on a receipt beside the payout's own values, in each language.

/// Declares them: `name: "English", "Indonesian";`. A `{}` is a place for people.
macro_rules! words {
    ($($name:ident: $english:literal, $indonesian:literal;)*) => {
        /// The words of one language.
        #[derive(Debug)]
        pub struct Words {
            /// `en` or `id`.
            pub(super) language: &'static str,
            $(pub(super) $name: &'static str,)*
        }

        /// In English.
        pub const ENGLISH: Words = Words { language: "en", $($name: $english,)* };

        /// In Indonesian.
        pub const INDONESIAN: Words = Words { language: "id", $($name: $indonesian,)* };

        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $indonesian),)*];
    };
}

words! {
    title: "Receipt", "Bukti bayar";
    heading: "Payout receipt", "Bukti bayar payout";
    returned: "RETURNED: this payout was paid, and the money came back afterwards.", "DIKEMBALIKAN: payout ini sudah dibayar, lalu dananya kembali.";
    merchant: "Merchant", "Merchant";
    order: "Order number", "Nomor order";
    gateway_number: "Gateway's number", "Nomor gateway";
    paid: "Paid", "Dibayar";
    came_back: "Came back", "Dikembalikan";
    bank: "Bank", "Bank";
    account_number: "Account number", "Nomor rekening";
    account_name: "Account name", "Nama rekening";
    masked: "masked", "disamarkan";
    gross: "Gross: the instructed amount", "Bruto: nominal yang diinstruksikan";
    fee: "Fee", "Biaya";
    fee_out: "Fee, deducted from the amount", "Biaya, dipotong dari nominal";
    fee_on_top: "Fee, on top of the amount", "Biaya, di luar nominal";
    net: "Net: the beneficiary received", "Neto: yang diterima penerima";
    net_returned: "Net: the beneficiary received, before it came back", "Neto: yang diterima penerima, sebelum dikembalikan";
    debit: "Debit: what it cost the merchant", "Debit: yang didebit dari merchant";
    not_stated: "not stated yet", "belum dinyatakan";
    stated_back: "That the money came back was stated by {}.", "Bahwa dananya kembali dinyatakan oleh {}.";
    stated_paid: "That it was paid was stated by {}.", "Bahwa ini sudah dibayar dinyatakan oleh {}.";
    and: " and ", " dan ";
    as_reported: "As reported by the payment gateway; the beneficiary's bank may credit it later.", "Menurut laporan gateway pembayaran; bank penerima mungkin mengkreditkannya kemudian.";
    printed: "Printed", "Dicetak";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_every_word_with_the_same_places() {
        for (name, english, indonesian) in PAIRS {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(indonesian), "{name}");
            assert!(!indonesian.is_empty(), "{name}");
            let same = ["merchant", "bank"].contains(name);
            assert_eq!(english == indonesian, same, "{name}");
        }
    }
}
