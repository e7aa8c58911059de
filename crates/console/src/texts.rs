//! Every text of the pages, in English and in Indonesian side by side, so that neither can be left out.

mod refusals;
mod words_of_records;
mod words_of_statements;
mod words_of_states;
mod words_of_stops;

pub(super) use words_of_records::FIELDS;

/// Declares the texts: `name: "English", "Indonesian";`. A `{}` is a place for a word, an amount or a time.
macro_rules! texts {
    ($($name:ident: $english:literal, $indonesian:literal;)*) => {
        /// The texts of one language.
        #[derive(Debug)]
        pub(super) struct Texts {
            pub(super) is_indonesian: bool,
            $(pub(super) $name: &'static str,)*
        }

        /// The texts in English.
        pub(super) const ENGLISH: Texts = Texts { is_indonesian: false, $($name: $english,)* };

        /// The texts in Indonesian.
        pub(super) const INDONESIAN: Texts = Texts { is_indonesian: true, $($name: $indonesian,)* };

        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $indonesian),)*];
    };
}

texts! {
    // Around every page.
    home: "Home", "Beranda";
    payouts: "Payouts", "Payout";
    approvals: "Approvals", "Persetujuan";
    money: "Money", "Keuangan";
    workers_and_gateway: "Workers and gateway", "Worker dan gateway";
    open_order: "Order number", "Nomor order";
    open: "Open", "Buka";
    skip: "Skip to the content", "Langsung ke isi";
    sign_in: "Sign in", "Masuk";
    sign_out: "Sign out", "Keluar";
    signed_in_as: "Signed in as {}", "Masuk sebagai {}";
    only_reading: "read only", "hanya baca";
    keys: "Keys: / search, j k move, Enter open, r pause the refresh, ? these keys", "Tombol: / cari, j k pindah, Enter buka, r jeda pembaruan, ? daftar tombol ini";
    refresh_on: "Refreshes every 5 s", "Diperbarui tiap 5 dtk";
    refresh_failed: "The console has not answered since", "Konsol tidak menjawab sejak";
    refresh_off: "Refresh paused", "Pembaruan dijeda";
    copy: "Copy", "Salin";
    copied: "Copied", "Disalin";
    d: "d", "hari";
    h: "h", "jam";
    min: "min", "mnt";
    s: "s", "dtk";
    ago: "{} ago", "{} lalu";
    in_time: "in {}", "{} lagi";
    none_yet: "none yet", "belum ada";
    back: "Back", "Kembali";
    to_payout: "Payout {}", "Payout {}";

    // Signing in.
    login: "Login", "Login";
    password: "Password", "Kata sandi";
    sign_in_why: "Sign in with your own Postgres login. What you may see and do is decided by its roles, and every act is recorded under it.", "Masuk dengan login Postgres Anda sendiri. Apa yang boleh Anda lihat dan lakukan ditentukan oleh perannya, dan setiap tindakan dicatat atas nama login itu.";
    wrong_password: "Login or password is wrong.", "Login atau kata sandi salah.";
    no_role: "This login may not use the console: it needs the role payout_reader or payout_operator.", "Login ini tidak boleh memakai konsol: diperlukan peran payout_reader atau payout_operator.";
    no_room: "The database has too few free connections: the workers need them. Try again later.", "Koneksi basis data yang tersisa terlalu sedikit: worker memerlukannya. Coba lagi nanti.";
    unchecked: "The database lets this login in with any password, so nobody can know who signs in. Have its administrator require passwords (pg_hba.conf).", "Basis data menerima login ini dengan kata sandi apa pun, jadi tidak dapat dipastikan siapa yang masuk. Minta administratornya mewajibkan kata sandi (pg_hba.conf).";
    too_many_attempts: "Too many attempts from your address are waiting. Try again in ten seconds; no login is locked.", "Terlalu banyak percobaan dari alamat Anda sedang menunggu. Coba lagi dalam sepuluh detik; tidak ada login yang dikunci.";
    too_many_people: "As many people are signed in as the console allows. Try again when somebody has signed out.", "Jumlah orang yang masuk sudah mencapai batas konsol. Coba lagi setelah ada yang keluar.";

    // When a page cannot be shown.
    problem: "This page cannot be shown", "Halaman ini tidak dapat ditampilkan";
    cannot_read: "What was sent cannot be read. Nothing was done. Go back, correct it, and send it again.", "Yang dikirim tidak dapat dibaca. Tidak ada yang dilakukan. Kembali, perbaiki, lalu kirim lagi.";
    not_our_form: "What was sent is not a form of the console. Nothing was done. Open the page again and send its form.", "Yang dikirim bukan formulir konsol. Tidak ada yang dilakukan. Buka lagi halamannya dan kirim formulirnya.";
    too_large: "What was sent is too large: a form may have 128 KiB, a statement 8 MiB. Nothing was done. Select fewer payouts, or split the statement.", "Yang dikirim terlalu besar: formulir paling besar 128 KiB, rekening koran 8 MiB. Tidak ada yang dilakukan. Pilih lebih sedikit payout, atau pecah rekening korannya.";
    too_slow: "What was sent did not arrive in time. Nothing was done. Send it again.", "Yang dikirim tidak sampai tepat waktu. Tidak ada yang dilakukan. Kirim lagi.";
    not_this_way: "This address is not opened this way. Nothing was done. Begin at the console's first page.", "Alamat ini tidak dibuka dengan cara ini. Tidak ada yang dilakukan. Mulai dari halaman depan konsol.";
    not_here: "There is nothing here by that name.", "Tidak ada apa pun dengan nama itu di sini.";
    no_right: "Your login may not do this. It needs the role payout_operator.", "Login Anda tidak boleh melakukan ini. Diperlukan peran payout_operator.";
    session_over: "Your session is over. Nothing was done. Sign in again.", "Sesi Anda telah berakhir. Tidak ada yang dilakukan. Masuk lagi.";
    session_over_kept: "Your session is over. Nothing was done. Sign in again here with the same login within an hour, and the form comes back as you filled it in.", "Sesi Anda telah berakhir. Tidak ada yang dilakukan. Masuk lagi di sini dengan login yang sama dalam satu jam, dan formulir kembali dengan isian Anda.";
    unsent: "A form that was not sent", "Formulir yang belum terkirim";
    unsent_why: "Your earlier session ended before this form arrived, so nothing was done. What you filled in is kept: check it, and confirm it again.", "Sesi Anda sebelumnya berakhir sebelum formulir ini diterima, jadi tidak ada yang dilakukan. Isian Anda disimpan: periksa, lalu konfirmasi lagi.";
    login_disabled: "This login may no longer log in. Nothing was done.", "Login ini tidak boleh masuk lagi. Tidak ada yang dilakukan.";
    stale_form: "This form is no longer valid: it was opened in another session, or too long ago. Nothing was done. Check what is below, and send it again.", "Formulir ini tidak berlaku lagi: dibuka di sesi lain atau sudah terlalu lama. Tidak ada yang dilakukan. Periksa isian di bawah, lalu kirim lagi.";
    broken: "Something is wrong in the console. Look at the payout and at the audit log.", "Ada yang salah di konsol. Periksa payout dan log audit.";
    took_too_long: "The database took too long for this page. Narrow the filter, or try again.", "Basis data terlalu lama menyiapkan halaman ini. Persempit filter, atau coba lagi.";
    locked: "Another transaction holds what this needs. Try again in a moment.", "Transaksi lain sedang memakai data yang diperlukan. Coba lagi sebentar lagi.";
    wrong_schema: "This database has no schema payout that fits this program.", "Basis data ini tidak punya skema payout yang cocok dengan program ini.";
    refused: "A safety rule refuses this. Nothing was done.", "Aturan pengaman menolak ini. Tidak ada yang dilakukan.";
    database_away: "The database does not answer. Sign in again once it does.", "Basis data tidak merespons. Masuk lagi setelah pulih.";
    foreign_host: "The console is not reached by this name.", "Konsol ini tidak dapat dibuka dengan nama tersebut.";
    foreign_site: "This was not sent by a page of the console. Nothing was done.", "Ini tidak dikirim oleh halaman konsol. Tidak ada yang dilakukan.";

    // Home.
    needs_person: "Needs a person", "Perlu ditangani";
    nothing_needs_person: "No payout needs a person.", "Tidak ada payout yang perlu ditangani.";
    of_those: "{} payouts need a person; the oldest are shown.", "{} payout perlu ditangani; yang terlama ditampilkan.";
    may_have_left: "May have left", "Mungkin sudah keluar";
    may_have_left_why: "Sent and not settled: the gateway accepted it, or has not said. The status of each is queried, and none is ever resent automatically.", "Sudah dikirim dan belum selesai: diterima gateway, atau belum ada kepastian. Status setiap payout dicek ke gateway, dan tidak ada yang dikirim ulang otomatis.";
    left_gross: "May have left, gross", "Mungkin sudah keluar, bruto";
    accepted: "of which the gateway accepted", "di antaranya diterima gateway";
    in_doubt: "of which nobody knows yet", "di antaranya belum ada kepastian";
    nothing_in_doubt: "Nothing is on its way: all that was sent is settled.", "Tidak ada yang sedang berjalan: semua yang dikirim sudah selesai.";
    sending: "Are payouts sent?", "Apakah pengiriman payout berjalan?";
    is_sent: "Payouts of {} are sent.", "Pengiriman payout untuk {} berjalan.";
    is_sent_but: "Payouts of {} are sent,", "Pengiriman payout untuk {} berjalan,";
    except_paused: "except bank {}, paused", "kecuali bank {}, dijeda";
    is_not_sent: "Nothing is sent for {}: {}.", "Pengiriman payout untuk {} berhenti: {}.";
    no_merchant: "No merchant is registered.", "Belum ada merchant terdaftar.";
    waits_for_me: "Waits for my approval", "Menunggu persetujuan saya";
    nothing_waits_for_me: "Nothing waits for your approval.", "Tidak ada yang menunggu persetujuan Anda.";
    books_and_gateway: "Books and gateway", "Pembukuan dan gateway";
    workers_seen: "Workers", "Worker";
    no_worker_seen: "No worker was seen within a day.", "Tidak ada worker yang terlihat dalam 24 jam terakhir.";

    // Columns.
    order: "Order", "Order";
    merchant: "Merchant", "Merchant";
    amount: "Amount", "Nominal";
    bank: "Bank", "Bank";
    state: "State", "Status";
    since: "Since", "Sejak";
    why: "Why", "Penyebab";
    decide_first: "Request {} waits under Approvals", "Permintaan {} menunggu di Persetujuan";
    safe_step: "Safe next step", "Langkah aman berikutnya";
    count: "Payouts", "Jumlah payout";
    oldest: "Oldest", "Terlama";
    fee: "Fee", "Biaya";
    gateway_number: "Gateway number", "Nomor gateway";
    created: "Inserted", "Dibuat";
    settled: "Settled", "Selesai";
    worker: "Worker", "Worker";
    version: "Version", "Versi";
    seen: "Seen", "Terakhir terlihat";
    status: "Status", "Keadaan";
    in_flight: "In flight", "Sedang berjalan";
    running: "running", "berjalan";
    stopped: "stopped", "berhenti";
    silent: "silent", "tidak merespons";
    available: "Available", "Tersedia";
    held: "Held", "Ditahan";
    paid_out: "Paid out", "Dibayarkan";
    fees: "Fees", "Biaya";
    funding: "Funding", "Pendanaan";
    gateway_available: "Gateway: available", "Gateway: tersedia";
    gateway_frozen: "Gateway: frozen", "Gateway: ditahan";
    gateway_total: "Gateway: total", "Gateway: total";
    difference: "Difference", "Selisih";
    read_at: "Read", "Dibaca pada";
    at: "Time", "Waktu";
    who: "Who", "Oleh";
    what: "What", "Perihal";
    outcome: "Outcome", "Hasil";
    reason: "Reason", "Alasan";
    evidence: "Evidence", "Bukti";
    more: "More", "Keterangan";
    times: "Times", "Berapa kali";
    source: "Source", "Sumber";
    request: "Request", "Permintaan";
    attempt: "Attempt", "Percobaan ke-";

    // Payouts.
    all: "All", "Semua";
    attention: "Needs a person", "Perlu ditangani";
    filter: "Filter", "Filter";
    filter_text: "Order or gateway number begins with", "Awal nomor order atau nomor gateway";
    min_amount: "From Rp", "Dari Rp";
    max_amount: "To Rp", "Sampai Rp";
    older_than: "In this state longer than (minutes)", "Dalam status ini lebih dari (menit)";
    attention_reason: "Reason for attention", "Alasan perlu ditangani";
    settled_day: "Settled on (WIB)", "Selesai pada (WIB)";
    settled_month: "Or settled in the month (WIB)", "Atau selesai pada bulan (WIB)";
    failed_because: "Failed for this reason (- for none)", "Gagal karena alasan ini (- bila tanpa alasan)";
    no_reason_stated: "no reason stated", "tanpa alasan";
    total_of_all: "Payouts that match: {}, {} in all.", "Payout yang cocok: {}, total {}.";
    total_of_some: "Payouts that match among the {} that this page looked at: {}, {} in all.", "Payout yang cocok di antara {} yang diperiksa halaman ini: {}, total {}.";
    left_out_of_total: "The total leaves out payouts that were inserted before", "Total ini tidak mencakup payout yang masuk sebelum";
    clear: "Clear", "Hapus filter";
    no_payouts: "No payouts match.", "Tidak ada payout yang cocok.";
    older: "Older", "Lebih lama";
    not_looked_at: "Not looked at yet: payouts that were inserted before", "Belum diperiksa: payout yang masuk sebelum";
    look_further: "Look further back", "Cari lebih jauh ke belakang";
    newest: "Newest", "Terbaru";
    csv: "CSV of this filter", "CSV sesuai filter ini";
    csv_too_long: "More than {} payouts match. Narrow the filter: a CSV is never cut.", "Lebih dari {} payout cocok. Persempit filter: CSV tidak pernah dipotong.";
    select_any: "Select", "Pilih";
    select: "Select {}", "Pilih {}";
    with_selected: "With the selected ones:", "Untuk yang dipilih:";
    select_none: "Select at least one payout.", "Pilih sedikitnya satu payout.";
    select_max: "Select at most {} payouts.", "Pilih paling banyak {} payout.";

    // One payout.
    we_know: "What we know", "Yang kita ketahui";
    we_do_not_know: "What we don't know", "Yang belum kita ketahui";
    happens_next: "What happens next", "Yang terjadi selanjutnya";
    requests_about: "Latest requests about it", "Permintaan terbaru tentang payout ini";
    history: "History", "Riwayat";
    attempts: "Attempts", "Percobaan";
    received: "Evidence received", "Bukti yang diterima";
    ledger: "Ledger entries", "Entri buku besar";
    no_entries: "No money has moved.", "Belum ada dana yang bergerak.";
    no_attempts: "It was never sent.", "Belum pernah dikirim.";
    no_evidence: "Nothing was received.", "Belum ada bukti yang diterima.";
    beneficiary: "Beneficiary", "Penerima";
    account: "Account", "Rekening";
    account_name: "Name", "Nama";
    gets: "Beneficiary receives", "Diterima oleh penerima";
    debit: "Debited from our balance", "Didebit dari saldo kita";
    fee_out: "deducted from the amount", "dipotong dari nominal";
    fee_on_top: "on top of the amount", "di luar nominal";
    fee_none: "none", "tidak ada";
    fee_not_stated: "not stated yet", "belum dinyatakan";
    quote_number: "Quote this number to the gateway", "Sebutkan nomor ini kepada gateway";
    replaces: "Replaces the failed payout", "Menggantikan payout yang gagal";
    created_by: "Inserted by", "Dibuat oleh";
    actions: "What you can do", "Yang dapat Anda lakukan";
    no_actions: "Nothing can be done about it now, or your login may only read.", "Tidak ada yang dapat dilakukan sekarang, atau login Anda hanya boleh membaca.";
    key_sha256: "SHA-256 of the request", "SHA-256 permintaan";

    know_queued: "It has not been sent, and nothing is held for it.", "Belum dikirim, dan tidak ada dana yang ditahan untuknya.";
    doubt_none: "Nothing is in doubt.", "Tidak ada yang diragukan.";
    next_queued: "A worker sends it as soon as one has capacity.", "Worker mengirimnya segera setelah ada kapasitas.";
    next_due: "It is due at {}.", "Dijadwalkan pada {}.";
    next_parked: "It is sent once the available balance covers it.", "Dikirim setelah saldo tersedia mencukupi.";
    know_submitting: "The intent to send it is recorded, and a worker may be sending it now.", "Rencana pengirimannya sudah dicatat, dan worker mungkin sedang mengirimkannya.";
    doubt_submitting: "Whether it has left: the request may be on the wire.", "Apakah sudah keluar: permintaannya mungkin sedang dalam perjalanan.";
    next_submitting: "The gateway's answer decides. Without an answer by {} it becomes unknown; its status is queried and it is never resent automatically.", "Jawaban gateway yang menentukan. Bila tidak ada jawaban sampai {}, statusnya menjadi tidak diketahui; status itu dicek ke gateway, dan payout tidak pernah dikirim ulang otomatis.";
    know_pending: "The gateway accepted it.", "Gateway sudah menerimanya.";
    doubt_pending: "How it ends: accepted is not paid.", "Bagaimana hasil akhirnya: diterima belum berarti dibayar.";
    next_pending: "A callback or the answer to a query settles it.", "Callback atau jawaban atas cek status akan menyelesaikannya.";
    know_unknown: "It was sent at most {}. Its status was queried {} since then, and no answer says how it ended. {} stays held.", "Dikirim paling banyak {}. Sejak itu statusnya dicek {}, dan belum ada jawaban yang menyatakan hasil akhirnya. {} tetap ditahan.";
    doubt_unknown: "Whether it arrived: it may or may not have left.", "Apakah sampai: mungkin sudah keluar, mungkin belum.";
    next_unknown: "Its status is queried and it is never resent automatically.", "Statusnya dicek ke gateway, dan payout ini tidak pernah dikirim ulang otomatis.";
    next_query: "The next query is at {}.", "Cek status berikutnya pada {}.";
    resubmit_refused: "Resubmitting it is refused for now: {}", "Pengiriman ulang untuk saat ini ditolak: {}";
    resubmit_possible: "The gateway's answers allow it to be resubmitted: one person requests it, another approves.", "Jawaban gateway memungkinkan pengiriman ulang: satu orang mengajukan, orang lain menyetujui.";
    know_paid: "The gateway reports it as paid.", "Gateway melaporkan sudah dibayar.";
    know_failed: "It failed: {}. What was held is released.", "Gagal: {}. Dana yang ditahan sudah dilepas.";
    know_cancelled: "It was withdrawn before it was sent.", "Ditarik sebelum dikirim.";
    know_returned: "It was paid, and the money came back.", "Sudah dibayar, lalu dananya dikembalikan.";
    know_recorded_paid: "It is recorded as paid.", "Tercatat sudah dibayar.";
    know_recorded_failed: "It is recorded as failed: {}. What was held is released.", "Tercatat gagal: {}. Dana yang ditahan sudah dilepas.";
    know_recorded_returned: "It is recorded as returned.", "Tercatat dananya dikembalikan.";
    doubt_stated_paid: "Whether it was paid: the gateway has not confirmed it.", "Apakah sudah dibayar: gateway belum mengonfirmasi.";
    doubt_stated_failed: "Whether it can still be paid: the gateway has not confirmed the failure.", "Apakah masih bisa dibayar: gateway belum mengonfirmasi bahwa payout ini gagal.";
    doubt_stated_returned: "Whether it was ever paid: the gateway has not confirmed it.", "Apakah pernah dibayar: gateway belum mengonfirmasi.";
    doubt_contradicted: "How it ended: the gateway's answers contradict what is recorded.", "Bagaimana hasil akhirnya: jawaban gateway bertentangan dengan yang tercatat.";
    doubt_fee: "The fee.", "Biayanya.";
    doubt_fee_held: "The fee: {} stays held until the gateway states it.", "Biayanya: {} tetap ditahan sampai gateway menyebutkannya.";
    next_fee: "The fee is booked once the gateway states it.", "Biaya dibukukan setelah gateway menyebutkannya.";
    do_not_pay_again: "DO NOT PAY IT AGAIN.", "JANGAN DIBAYAR LAGI.";
    know_stated: "People stated this end: {}.", "Hasil akhir ini dinyatakan oleh: {}.";
    rests_on_statement: "This end rests on their statement alone.", "Hasil akhir ini hanya berdasarkan pernyataan mereka.";
    next_nothing: "Nothing. It is final.", "Tidak ada. Ini sudah final.";
    next_failed: "Nothing more is sent under this order number.", "Tidak ada lagi yang dikirim dengan nomor order ini.";
    next_person: "A person is needed: {}.", "Perlu ditangani: {}.";
    paused_by: "It is held back by a pause of {}: {}", "Ditahan oleh jeda dari {}: {}";
    reserved_for: "It waits behind {}, which keeps funds free for itself.", "Menunggu giliran setelah {}, yang sedang mencadangkan dana.";
    request_waits: "Request {} ({}) by {} waits for a second person.", "Permintaan {} ({}) oleh {} menunggu persetujuan orang kedua.";
    request_approved: "Request {} ({}) is approved; a worker carries it out.", "Permintaan {} ({}) disetujui; worker melaksanakannya.";
    unknown_state: "Its state is {}, which this program does not know.", "Statusnya {}, yang tidak dikenal program ini.";

    // Acts.
    replay: "Query now", "Cek status sekarang";
    replay_does: "The gateway's status is queried now. This only queries: nothing is sent, and it is always safe.", "Status di gateway dicek sekarang. Ini hanya menanyakan status: tidak ada yang dikirim, dan selalu aman.";
    cancel: "Cancel", "Batalkan";
    cancel_does: "It is withdrawn for good, while it is queued; its order number is never used again. Where your rules want two people, a request is recorded instead.", "Payout ditarik untuk selamanya selagi masih antre; nomor ordernya tidak dipakai lagi. Bila aturan mensyaratkan dua orang, yang dicatat adalah permintaan.";
    cancel_cannot: "{} of these {} payouts cannot be cancelled: they are no longer queued. They are refused, and the others are cancelled.", "{} dari {} payout ini tidak dapat dibatalkan karena tidak lagi antre. Yang itu ditolak, dan yang lain dibatalkan.";
    resubmit: "Request resubmit", "Ajukan kirim ulang";
    resubmit_does: "You request that the same order number be sent once more. Nothing is sent now: a second person must approve within ten minutes, and the gateway is queried again first. If it did arrive after all, the gateway refuses the duplicate order number.", "Anda meminta nomor order yang sama dikirim sekali lagi. Sekarang tidak ada yang dikirim: orang kedua harus menyetujui dalam sepuluh menit, dan status di gateway dicek lagi lebih dulu. Bila ternyata sudah sampai, gateway menolak nomor order yang sama.";
    resolve_paid: "State that it was paid", "Nyatakan: dibayar";
    resolve_failed: "State that it failed", "Nyatakan: gagal";
    resolve_returned: "State that it came back", "Nyatakan: dikembalikan";
    resolve_fee: "State its fee", "Nyatakan: biaya";
    resolve_unchanged: "State that it stays as it is", "Nyatakan: tidak berubah";
    resolve_does: "You state what the gateway has not. An entry in the books is never deleted. Where the rules want two people, a second person must approve.", "Anda menyatakan apa yang belum dinyatakan gateway. Entri buku besar tidak pernah dihapus. Bila aturan mensyaratkan dua orang, orang kedua harus menyetujui.";
    reveal: "Reveal the beneficiary", "Tampilkan data penerima";
    reveal_does: "Account and name are shown in full, once. That you saw them, and why, is recorded before they are shown.", "Rekening dan nama ditampilkan lengkap, satu kali. Bahwa Anda melihatnya, beserta alasannya, dicatat sebelum ditampilkan.";
    reveal_once: "They were shown already. Reveal them again if you need to; that is recorded again.", "Sudah ditampilkan. Tampilkan lagi bila perlu; itu dicatat lagi.";
    these_payouts: "{} payouts, {} in all", "{} payout, seluruhnya {}";
    field_reason: "Why (recorded; no personal data)", "Alasan (dicatat; tanpa data pribadi)";
    field_evidence: "Evidence: a ticket, a bank statement (recorded)", "Bukti: tiket, rekening koran (dicatat)";
    field_fee: "Fee in rupiah, if it is known", "Biaya dalam rupiah, bila diketahui";
    field_back: "How much came back in rupiah, if not all of it", "Berapa yang kembali dalam rupiah, bila tidak semua";
    field_typed: "Type {} to confirm", "Ketik {} untuk konfirmasi";
    field_typed_count: "Type how many payouts these are: {}", "Ketik jumlah payout ini: {}";
    field_typed_request: "Type the number of this request: {}", "Ketik nomor permintaan ini: {}";
    typed_wrong: "That is not what was to be typed. Nothing was done.", "Yang diketik tidak sesuai. Tidak ada yang dilakukan.";
    number_wrong: "Write whole rupiah in digits, without dots, such as 1000000. Nothing was done.", "Tulis rupiah bulat dengan angka tanpa titik, misalnya 1000000. Tidak ada yang dilakukan.";
    do_it: "Yes, do this", "Ya, lakukan";
    done: "Done", "Selesai";
    only_recorded: "Recorded, waits for approval", "Tercatat, menunggu persetujuan";
    not_done: "Not done", "Tidak dilakukan";
    not_sure: "The database did not answer in time: it may or may not have been recorded. Look at the audit log before you try again.", "Basis data tidak menjawab tepat waktu: mungkin sudah dicatat, mungkin belum. Periksa log audit sebelum mencoba lagi.";
    not_tried: "Not tried, because the database did not answer before.", "Belum dicoba, karena basis data tidak menjawab sebelumnya.";
    some_refused: "{} of {} done, {} refused", "{} dari {} berhasil, {} ditolak";
    some_not_done: "{} of {} done; see below what became of the others", "{} dari {} berhasil; lihat di bawah untuk yang lain";
    again: "Back to the form, as it was filled in", "Kembali ke formulir dengan isian tadi";
    did_replay: "{}: the gateway is queried now. Nothing is sent.", "{}: status di gateway dicek sekarang. Tidak ada yang dikirim.";
    did_cancel: "{}: cancelled; nothing was sent.", "{}: dibatalkan; tidak ada yang dikirim.";
    did_request: "Recorded as request {}. Nothing is done yet: another operator must approve it within ten minutes.", "Dicatat sebagai permintaan {}. Belum ada yang dilakukan: operator lain harus menyetujuinya dalam sepuluh menit.";
    did_record: "Recorded as request {}; a worker carries it out.", "Dicatat sebagai permintaan {}; worker melaksanakannya.";
    did_reject: "Request {} is rejected; nothing is done.", "Permintaan {} ditolak; tidak ada yang dilakukan.";
    did_approve: "Request {} is approved; see under Approvals what becomes of it.", "Permintaan {} disetujui; lihat hasilnya di Persetujuan.";
    already: "This form was sent before. It acted once; this is what happened then.", "Formulir ini sudah pernah dikirim. Hanya berlaku sekali; inilah hasilnya waktu itu.";

    // Approvals.
    nothing_waits: "Nothing waits for a second person.", "Tidak ada yang menunggu persetujuan orang kedua.";
    requested_by: "Requested by", "Diminta oleh";
    by_one: "by {}", "oleh {}";
    requested_and_approved: "requested by {}, approved by {}", "diminta oleh {}, disetujui oleh {}";
    time_left: "Time left", "Sisa waktu";
    yours: "Yours: somebody else must approve.", "Permintaan Anda sendiri: orang lain yang harus menyetujui.";
    evidence_of_requester: "Evidence of the requester", "Bukti dari pemohon";
    proof: "Proof, checked now", "Hasil pemeriksaan sistem";
    proof_refused: "Refused: {}", "Ditolak: {}";
    proof_quiet: "The quiet horizon ended at {}.", "Masa tunggu berakhir pada {}.";
    proof_not_found: "\"Not found\" answers: {}, the last at {}.", "Jawaban \"tidak ditemukan\": {}, terakhir pada {}.";
    proof_last: "The gateway is queried once more when you approve.", "Status di gateway dicek sekali lagi saat Anda menyetujui.";
    no_contrary: "No answer of the gateway contradicts it.", "Tidak ada jawaban gateway yang bertentangan.";
    contrary: "The gateway has answered otherwise: {}", "Gateway pernah menjawab lain: {}";
    approve: "Approve", "Setujui";
    reject: "Reject", "Tolak";
    approve_does: "You approve as the second person. What is sent again or given up as failed, a worker carries out after it has queried the gateway; all else is booked without a further check.", "Anda menyetujui sebagai orang kedua. Kirim ulang dan pernyataan gagal dilaksanakan worker setelah mengecek status di gateway; selain itu dibukukan tanpa pemeriksaan lagi.";
    reject_does: "The request ends, and nothing is done.", "Permintaan berakhir, dan tidak ada yang dilakukan.";
    decided_lately: "Latest requests", "Permintaan terbaru";
    and_more: "and {} more", "dan {} lagi";
    why_not: "Why it was not done", "Mengapa tidak dilakukan";
    paused_refuses: "{} is paused by {}: {}. Approved now, it is refused at once: end the pause first.", "{} dijeda oleh {}: {}. Selama jeda, pengiriman ulang langsung ditolak. Akhiri jeda dulu.";
    stop_delays: "Nothing is carried out for {} now: {}. Approved now, it waits until that ends; if the request expires before, it is refused.", "Saat ini tidak ada yang dilaksanakan untuk {}: {}. Bila disetujui sekarang, permintaan ini menunggu sampai hal itu teratasi; bila kedaluwarsa lebih dulu, permintaan ditolak.";
    stop_does_not_delay: "No new payouts are sent for {} now: {}. That does not hold this back: approved now, it is sent.", "Saat ini tidak ada payout baru yang dikirim untuk {}: {}. Hal itu tidak menahan permintaan ini: bila disetujui sekarang, pengiriman ulang dilakukan.";
    stop_may_refuse: "No new payouts are sent for {} now: {}. Approved now, it is refused if the gateway's answer to its query cannot be stored either.", "Saat ini tidak ada payout baru yang dikirim untuk {}: {}. Bila disetujui sekarang, permintaan ini ditolak jika jawaban gateway atas cek statusnya juga tidak dapat disimpan.";

    // Money.
    balances: "Balances", "Saldo";
    stated_back: "Came back, as the requester states", "Kembali, menurut pemohon";
    stated_fee: "Fee, as the requester states", "Biaya, menurut pemohon";
    funding_sign: "Funding is where the money came from, as the other side of the books: withdrawals less top-ups. So each row adds up to 0, and funding is negative as long as more was topped up than withdrawn.", "Pendanaan adalah asal dana, sebagai akun lawan dalam pembukuan: penarikan dikurangi isi saldo. Karena itu setiap baris berjumlah 0, dan pendanaan bernilai negatif selama isi saldo lebih besar daripada penarikan.";
    what_to_do: "What to do about a difference", "Yang dilakukan bila ada selisih";
    gateway_has_less: "Below 0, the gateway has less. While payouts are under way they may explain it: wait for the next reading. If it stays when nothing is held, compare the gateway's statement of these days, at the end of this page.", "Di bawah 0: dana di gateway kurang. Selama ada payout yang berjalan, itu bisa jadi penyebabnya: tunggu pembacaan berikutnya. Bila tetap kurang saat tidak ada dana yang ditahan, bandingkan rekening koran gateway untuk hari-hari itu, di akhir halaman ini.";
    gateway_has_more: "Above 0, the gateway has more: a top-up that is not booked yet, or money that came back. Look at the top-ups and withdrawals below; book what is missing, or compare the statement.", "Di atas 0: dana di gateway lebih banyak, karena ada isi saldo yang belum dibukukan atau dana yang kembali. Periksa isi saldo dan penarikan di bawah; bukukan yang belum ada, atau bandingkan rekening korannya.";
    report_of: "Report", "Laporan";
    month: "Month (WIB)", "Bulan (WIB)";
    date: "Day (WIB)", "Hari (WIB)";
    sums: "All in rupiah. Opening + top-ups + returned − net − fees − more held = closing. Gross is the instructed amount, net what beneficiaries received, debit what it cost: net + fee. Top-ups are less withdrawals: below 0, more was taken out than paid in. Gateway: total is what the gateway stated last up to the end of that day, available and frozen together; the difference is that less our available and held money when it was read.", "Semua dalam rupiah. Saldo awal + isi saldo + dikembalikan − neto − biaya − tambahan ditahan = saldo akhir. Bruto adalah nominal yang diinstruksikan, neto yang diterima penerima, debit yang didebit dari saldo kita: neto + biaya. Isi saldo sudah dikurangi penarikan: di bawah 0 berarti yang ditarik lebih banyak daripada yang diisi. Gateway: total adalah yang terakhir dinyatakan gateway sampai akhir hari itu, tersedia dan ditahan; selisih adalah total itu dikurangi dana kita yang tersedia dan ditahan pada saat dibaca.";
    gross: "Gross", "Bruto";
    net: "Net", "Neto";
    net_minus: "− net", "− neto";
    debit_sum: "Debit", "Debit";
    by_bank: "By bank", "Per bank";
    nothing_ended: "No payout ended in this time.", "Tidak ada payout yang selesai dalam waktu ini.";
    why_failed: "Why payouts failed", "Mengapa payout gagal";
    payouts_paid: "Paid", "Dibayar";
    payouts_failed: "Failed", "Gagal";
    payouts_returned: "Returned", "Dikembalikan";
    ageing: "What is open, by age", "Yang belum selesai, menurut umur";
    age: "Age", "Umur";
    show: "Show", "Tampilkan";
    opening: "Opening, available", "Saldo awal, tersedia";
    top_ups: "+ top-ups, less withdrawals", "+ isi saldo, dikurangi penarikan";
    came_back: "+ returned", "+ dikembalikan";
    fees_kept: "− fees kept by the gateway", "− biaya gateway";
    more_held: "− more held", "− tambahan ditahan";
    closing: "Closing, available", "Saldo akhir, tersedia";
    statement: "Gateway statement", "Rekening koran gateway";
    statement_does: "Compare a CSV file of the gateway with our payouts. Its first line names the columns: order_num and amount; optionally status (0 to 5, paid, failed, pending or returned) and fee. Nothing is changed, and the file is not kept.", "Bandingkan berkas CSV dari gateway dengan payout kita. Baris pertama memuat nama kolom: order_num dan amount; opsional status (0 sampai 5, paid, failed, pending, atau returned) dan fee. Tidak ada yang diubah, dan berkas tidak disimpan.";
    statement_upload: "Compare a gateway statement", "Bandingkan rekening koran gateway";
    file: "CSV file", "Berkas CSV";
    covered_day: "The day that it covers (WIB), to find what is missing in it", "Hari yang dicakup (WIB), untuk menemukan yang tidak ada di dalamnya";
    covered_month: "Or the month that it covers (WIB)", "Atau bulan yang dicakup (WIB)";
    days_not_stated: "Payouts that are missing in the statement were not looked for, because you did not say which day or month it covers.", "Payout yang tidak ada di rekening koran tidak dicari, karena hari atau bulan yang dicakup tidak diisi.";
    paid_in_statement: "Paid", "Dibayar";
    paid_on_other_days: "{} payouts ({}) were paid here on other days, and are in the reports of those days.", "{} payout ({}) dibayar di sini pada hari lain, dan ada di laporan hari itu.";
    compare: "Compare", "Bandingkan";
    compared: "{}, {}", "{}, {}";
    one_line: "1 line", "1 baris";
    lines: "{} lines", "{} baris";
    one_difference: "1 difference", "1 selisih";
    differences: "{} differences", "{} selisih";
    all_match: "Every line matches.", "Semua baris cocok.";
    matches: "{} match.", "{} cocok.";
    line: "Line", "Baris";
    here: "Ours", "Menurut kita";
    there: "The gateway's", "Menurut gateway";
    rupiah_here: "Ours, in rupiah", "Menurut kita, dalam rupiah";
    rupiah_there: "The gateway's, in rupiah", "Menurut gateway, dalam rupiah";
    rupiah_of: "Where the difference is the fee, the rupiah are those of the fee; otherwise they are the instructed amount.", "Bila selisihnya biaya, angka rupiahnya adalah biaya; selain itu, nominal yang diinstruksikan.";
    total: "Total", "Total";
    report_csv: "This report as CSV", "Laporan ini sebagai CSV";
    receipt: "Receipt to print", "Bukti bayar untuk dicetak";
    no_receipt: "It was not paid: there is no receipt.", "Belum dibayar: tidak ada bukti bayar.";
    booked: "Top-ups and withdrawals", "Isi saldo dan penarikan";
    booked_sign: "A negative amount is a withdrawal.", "Nominal negatif adalah penarikan.";
    nothing_booked: "Nothing was booked in this time.", "Tidak ada yang dibukukan dalam waktu ini.";
    reference: "Reference", "Referensi";
    by_gateway: "automatically, from what the gateway states", "otomatis, dari yang dinyatakan gateway";
    fund: "Book a top-up or a withdrawal", "Bukukan isi saldo atau penarikan";
    fund_in: "Book a top-up", "Bukukan isi saldo";
    fund_out: "Book a withdrawal", "Bukukan penarikan";
    fund_zero: "The amount is Rp 0: there is nothing to book. Nothing was done.", "Nominalnya Rp 0: tidak ada yang dibukukan. Tidak ada yang dilakukan.";
    fund_why: "Write why: another operator must approve this, and reads it. Nothing was done.", "Tulis alasannya: operator lain harus menyetujui ini dan membacanya. Tidak ada yang dilakukan.";
    fund_does: "Write down a transfer to or from the gateway that the books do not show. Nothing is booked yet: you read it again first. Where the books follow the gateway, a top-up there is booked automatically.", "Tulis transfer ke atau dari gateway yang belum ada di pembukuan. Belum ada yang dibukukan: Anda memeriksanya dulu. Bila pembukuan mengikuti gateway, isi saldo di sana dibukukan otomatis.";
    fund_amount: "Whole rupiah in digits without dots, such as 1250000; negative for money taken out", "Rupiah bulat dengan angka tanpa titik, misalnya 1250000; negatif untuk dana yang ditarik";
    fund_reference: "The bank's transfer number; it is booked once", "Nomor transfer bank; dibukukan satu kali saja";
    fund_reason: "Why, for the person who approves, where that takes two (recorded; no personal data)", "Alasan, untuk yang menyetujui, bila perlu dua orang (dicatat; tanpa data pribadi)";
    fund_review: "Check it", "Periksa";
    fund_takes_two: "The books of this merchant follow its balance at the gateway, so booking by hand takes two people: you request it, and another operator must approve within ten minutes. An entry is never deleted.", "Pembukuan merchant ini mengikuti saldonya di gateway, jadi pembukuan manual memerlukan dua orang: Anda mengajukan, dan operator lain harus menyetujui dalam sepuluh menit. Entri tidak pernah dihapus.";
    fund_takes_one: "This is booked at once, under your login, with its reference and without a reason. An entry is never deleted.", "Ini langsung dibukukan atas nama login Anda, dengan referensinya dan tanpa alasan. Entri tidak pernah dihapus.";
    fund_booked_before: "Nothing was booked, because reference {} was booked already: {} on {}, {}. If this is another transfer, write its own reference.", "Tidak ada yang dibukukan, karena referensi {} sudah dibukukan: {} pada {}, {}. Bila ini transfer lain, tulis referensinya sendiri.";
    did_fund: "{}: {} is booked; available {}.", "{}: {} dibukukan; tersedia {}.";

    // Workers and gateway.
    pauses: "Pauses", "Jeda";
    nothing_paused: "Nothing is paused.", "Tidak ada yang dijeda.";
    everything: "everything", "semuanya";
    until_resumed: "until it is resumed", "sampai dilanjutkan";
    daily: "daily {} WIB", "setiap hari {} WIB";
    in_force: "in force", "berlaku";
    not_in_force: "not in force now", "tidak berlaku sekarang";
    held_back: "Queued payouts held back", "Payout antre yang ditahan";
    pause: "Pause", "Jeda pengiriman";
    resume: "Resume", "Lanjutkan";
    pause_does: "Will stop new payouts from being sent. Queries and callbacks continue for those already sent.", "Pengiriman payout baru akan dihentikan. Cek status dan callback tetap berjalan untuk yang sudah dikirim.";
    resume_does: "Sending resumes for everything that this pause holds back.", "Pengiriman dilanjutkan untuk semua yang ditahan jeda ini.";
    did_pause: "{} is paused: no new payouts are sent.", "{} dijeda: tidak ada payout baru yang dikirim.";
    did_resume: "{} is resumed.", "{} dilanjutkan.";
    scope: "What to pause", "Yang dijeda";
    scope_all: "Everything", "Semuanya";
    scope_merchant: "A merchant", "Satu merchant";
    scope_bank: "A bank", "Satu bank";
    scope_code: "Its code", "Kodenya";
    daily_times: "Only between these times of each day, as 23:00-04:00 (WIB)", "Hanya di antara jam ini setiap hari, seperti 23:00-04:00 (WIB)";
    scope_wrong: "Choose what to pause: everything without a code, or a merchant or a bank with its code. Nothing was done.", "Pilih yang dijeda: semuanya tanpa kode, atau merchant atau bank dengan kodenya. Tidak ada yang dilakukan.";
    failover: "Failover", "Failover";
    failover_open: "Claims are open: no failover or restore since the last acceptance.", "Pengiriman terbuka: tidak ada failover atau pemulihan sejak persetujuan terakhir.";
    failover_none: "No worker has claimed in this database yet.", "Belum ada worker yang bekerja di basis data ini.";
    failover_stopped: "Claims are stopped: {}", "Pengiriman berhenti: {}";
    failover_trusted: "Answers count again from {}.", "Jawaban gateway berlaku lagi mulai {}.";
    failover_queried: "Queued payouts still to be queried: {}", "Payout antre yang masih harus dicek statusnya: {}";
    accept: "Request that claims continue", "Minta pengiriman dilanjutkan";
    accept_does: "You state that nobody has been able to write to the old primary since the time below, and that you examined what was found at the gateway. A second person must approve.", "Anda menyatakan bahwa sejak waktu di bawah ini tidak ada yang dapat menulis ke primary lama, dan bahwa Anda telah memeriksa yang ditemukan di gateway. Orang kedua harus menyetujui.";
    dead_since: "Nobody can write to the old primary since (as 2026-11-21T08:00:00+07:00)", "Sejak kapan tidak ada yang dapat menulis ke primary lama (misalnya 2026-11-21T08:00:00+07:00)";
    set_aside: "Set aside what cannot be queried; it is never sent", "Sisihkan yang tidak dapat dicek statusnya; tidak pernah dikirim";
    time_wrong: "Write a time such as 2026-11-21T08:00:00+07:00. Nothing was done.", "Tulis waktu seperti 2026-11-21T08:00:00+07:00. Tidak ada yang dilakukan.";
    dead_since_wrong: "The time that you stated cannot be right: it must be in the past.", "Waktu yang Anda nyatakan tidak mungkin benar: harus sudah lewat.";
    not_yet: "Not yet: everything is queried again first.", "Belum: semuanya dicek ulang lebih dulu.";
    breakers: "What keeps workers from sending", "Yang menghalangi worker mengirim";
    no_breaker: "No circuit breaker is open, and nothing else keeps a worker from sending.", "Tidak ada pemutus otomatis yang terbuka, dan tidak ada hal lain yang menghalangi worker.";
    found: "What the worker found", "Temuan worker";
    ends_when: "What ends it", "Yang mengakhirinya";
    query_budget: "Query budget", "Kuota cek status";
    query_budget_does: "Every query of a merchant's payouts, whoever wants it, counts against one budget.", "Setiap cek status payout suatu merchant, siapa pun yang memintanya, dihitung dalam satu kuota.";
    queries_due: "Queries due", "Cek status yang menunggu";
    due_since: "The oldest due since", "Yang terlama sejak";
    queries_per_minute: "Allowed a minute", "Diizinkan per menit";
    failed_signature: "Last wrong signature", "Tanda tangan salah terakhir";
    no_failed_signature: "none", "tidak ada";
    callbacks_not_kept: "Callbacks with a wrong signature are counted in the metrics and not kept here: anybody can send them.", "Callback dengan tanda tangan salah dihitung di metrik dan tidak disimpan di sini: siapa pun dapat mengirimnya.";
    gateways: "Gateways and keys", "Gateway dan kunci";
    gateway: "Gateway", "Gateway";
    key_fingerprints: "Platform keys registered (SHA-256)", "Kunci platform terdaftar (SHA-256)";
    audit: "Audit log", "Log audit";
    audit_of: "Only by this login", "Hanya oleh login ini";
    no_acts: "No act is recorded.", "Belum ada tindakan yang dicatat.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_every_text_with_the_same_places() {
        for (name, english, indonesian) in PAIRS {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(indonesian), "{name}");
            assert!(!english.is_empty() && !indonesian.is_empty(), "{name}");
            assert_eq!(english.ends_with('.'), indonesian.ends_with('.'), "{name}");
        }
    }
}
