//! Every text of the pages, in English and in Indonesian side by side, so that neither can be left out.

mod words_of_states;

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
    money: "Money", "Dana";
    workers_and_gateway: "Workers and gateway", "Worker dan gateway";
    open_order: "Order number", "Nomor order";
    open: "Open", "Buka";
    skip: "Skip to the content", "Langsung ke isi";
    sign_in: "Sign in", "Masuk";
    sign_out: "Sign out", "Keluar";
    signed_in_as: "Signed in as {}", "Masuk sebagai {}";
    only_reading: "read only", "hanya baca";
    keys: "Keys: / search, j k move, Enter open, r pause the refresh, ? these keys", "Tombol: / cari, j k pindah, Enter buka, r jeda pembaruan, ? daftar tombol";
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
    next: "Next", "Berikutnya";

    // Signing in.
    login: "Login", "Login";
    password: "Password", "Kata sandi";
    sign_in_why: "Sign in with your own Postgres login. What you may see and do is decided by its roles, and every act is recorded under it.", "Masuk dengan login Postgres Anda sendiri. Apa yang boleh dilihat dan dilakukan ditentukan oleh perannya, dan setiap tindakan dicatat atas namanya.";
    wrong_password: "Login or password is wrong.", "Login atau kata sandi salah.";
    no_role: "This login may not use the console: it needs the role payout_reader or payout_operator.", "Login ini tidak boleh memakai konsol: diperlukan peran payout_reader atau payout_operator.";
    no_room: "The database has too few free connections: the workers need them. Try again later.", "Koneksi basis data yang tersisa terlalu sedikit: worker memerlukannya. Coba lagi nanti.";
    unchecked: "The database lets this login in with any password, so nobody can know who signs in. Have its administrator require passwords (pg_hba.conf).", "Basis data menerima login ini dengan kata sandi apa pun, jadi tidak ada yang tahu siapa yang masuk. Minta administratornya mewajibkan kata sandi (pg_hba.conf).";
    too_many_attempts: "Too many attempts from your address are waiting. Try again in ten seconds; no login is locked.", "Terlalu banyak percobaan dari alamat Anda sedang menunggu. Coba lagi dalam sepuluh detik; tidak ada login yang dikunci.";
    too_many_people: "As many people are signed in as the console allows. Try again when somebody has signed out.", "Jumlah orang yang masuk sudah mencapai batas konsol. Coba lagi setelah ada yang keluar.";

    // When a page cannot be shown.
    problem: "This page cannot be shown", "Halaman ini tidak dapat ditampilkan";
    cannot_read: "What was sent cannot be read. Nothing was done. Go back, correct it, and send it again.", "Yang dikirim tidak dapat dibaca. Tidak ada yang dilakukan. Kembali, perbaiki, lalu kirim lagi.";
    not_our_form: "What was sent is not a form of the console. Nothing was done. Open the page again and send its form.", "Yang dikirim bukan formulir konsol. Tidak ada yang dilakukan. Buka lagi halamannya dan kirim formulirnya.";
    too_large: "What was sent is too large: a form may have 128 KiB, a statement 8 MiB. Nothing was done. Select fewer payouts, or split the statement.", "Yang dikirim terlalu besar: formulir paling besar 128 KiB, rekening koran 8 MiB. Tidak ada yang dilakukan. Pilih lebih sedikit payout, atau pecah rekening korannya.";
    too_slow: "What was sent did not arrive in time. Nothing was done. Send it again.", "Yang dikirim tidak sampai tepat waktu. Tidak ada yang dilakukan. Kirim lagi.";
    not_this_way: "This address is not opened this way. Nothing was done. Begin at the console's first page.", "Alamat ini tidak dibuka dengan cara ini. Tidak ada yang dilakukan. Mulai dari halaman depan konsol.";
    not_here: "There is nothing here by that name.", "Tidak ada apa pun di sini dengan nama itu.";
    no_right: "Your login may not do this. It needs the role payout_operator.", "Login Anda tidak boleh melakukan ini. Diperlukan peran payout_operator.";
    session_over: "Your session is over. Nothing was done. Sign in again.", "Sesi Anda telah berakhir. Tidak ada yang dilakukan. Masuk lagi.";
    login_disabled: "This login may no longer log in. Nothing was done.", "Login ini tidak boleh masuk lagi. Tidak ada yang dilakukan.";
    stale_form: "This form is no longer valid: it was opened in another session, or too long ago. Nothing was done. Open it again.", "Formulir ini tidak berlaku lagi: dibuka di sesi lain atau sudah terlalu lama. Tidak ada yang dilakukan. Buka lagi.";
    broken: "Something is wrong in the console. Look at the payout and at the audit log.", "Ada yang salah di konsol. Periksa payout dan log audit.";
    took_too_long: "The database took too long for this page. Narrow the filter, or try again.", "Basis data terlalu lama untuk halaman ini. Persempit saringan, atau coba lagi.";
    locked: "Another transaction holds what this needs. Try again in a moment.", "Transaksi lain sedang memegang yang diperlukan. Coba lagi sebentar lagi.";
    wrong_schema: "This database has no schema payout that fits this program.", "Basis data ini tidak punya skema payout yang cocok dengan program ini.";
    refused: "A safety rule refuses this. Nothing was done.", "Aturan keamanan menolak ini. Tidak ada yang dilakukan.";
    database_away: "The database does not answer. Sign in again once it does.", "Basis data tidak menjawab. Masuk lagi setelah pulih.";
    foreign_host: "The console is not reached by this name.", "Konsol tidak dibuka dengan nama ini.";
    foreign_site: "This was not sent by a page of the console. Nothing was done.", "Ini tidak dikirim oleh halaman konsol. Tidak ada yang dilakukan.";

    // Home.
    needs_person: "Needs a person", "Perlu orang";
    nothing_needs_person: "No payout needs a person.", "Tidak ada payout yang perlu orang.";
    of_those: "{} payouts need a person; the oldest are shown.", "{} payout perlu orang; yang terlama ditampilkan.";
    may_have_left: "May or may not have left", "Mungkin sudah terkirim, mungkin belum";
    may_have_left_why: "Its status is queried and it is never resent automatically.", "Statusnya ditanyakan ke gateway dan tidak pernah dikirim ulang secara otomatis.";
    nothing_in_doubt: "Nothing is in doubt.", "Tidak ada yang diragukan.";
    sending: "Are payouts sent?", "Apakah payout dikirim?";
    is_sent: "Payouts of {} are sent.", "Payout {} dikirim.";
    is_not_sent: "Nothing is sent for {}: {}.", "Tidak ada yang dikirim untuk {}: {}.";
    no_merchant: "No merchant is registered.", "Belum ada merchant terdaftar.";
    waits_for_me: "Waits for my approval", "Menunggu persetujuan saya";
    nothing_waits_for_me: "Nothing waits for your approval.", "Tidak ada yang menunggu persetujuan Anda.";
    books_and_gateway: "Books and gateway", "Pembukuan dan gateway";
    workers_seen: "Workers", "Worker";
    no_worker_seen: "No worker was seen within a day.", "Tidak ada worker yang terlihat dalam sehari.";

    // Columns.
    order: "Order", "Order";
    merchant: "Merchant", "Merchant";
    amount: "Amount", "Jumlah";
    bank: "Bank", "Bank";
    state: "State", "Status";
    since: "Since", "Sejak";
    why: "Why", "Mengapa";
    safe_step: "Safe next step", "Langkah aman";
    count: "Payouts", "Payout";
    oldest: "Oldest", "Terlama";
    fee: "Fee", "Biaya";
    gateway_number: "Gateway number", "Nomor gateway";
    created: "Inserted", "Dibuat";
    settled: "Settled", "Selesai";
    worker: "Worker", "Worker";
    version: "Version", "Versi";
    seen: "Seen", "Terlihat";
    status: "Status", "Keadaan";
    in_flight: "In flight", "Sedang berjalan";
    running: "running", "berjalan";
    stopped: "stopped", "berhenti";
    silent: "silent", "diam";
    available: "Available", "Tersedia";
    held: "Held", "Ditahan";
    paid_out: "Paid out", "Dibayarkan";
    fees: "Fees", "Biaya";
    funding: "Funding", "Pendanaan";
    gateway_balance: "Gateway's balance", "Saldo gateway";
    frozen: "Gateway holds", "Ditahan gateway";
    difference: "Difference", "Selisih";
    read_at: "Read", "Dibaca";
    at: "Time", "Waktu";
    who: "Who", "Siapa";
    what: "What", "Apa";
    outcome: "Outcome", "Hasil";
    reason: "Reason", "Alasan";
    evidence: "Evidence", "Bukti";
    more: "More", "Lainnya";
    times: "Times", "Kali";
    source: "Source", "Sumber";
    request: "Request", "Permintaan";
    attempt: "Attempt", "Percobaan";

    // Payouts.
    all: "All", "Semua";
    attention: "Needs a person", "Perlu orang";
    filter: "Filter", "Saring";
    filter_text: "Order or gateway number begins with", "Awal nomor order atau nomor gateway";
    min_amount: "From Rp", "Dari Rp";
    max_amount: "To Rp", "Sampai Rp";
    older_than: "In this state longer than (minutes)", "Dalam status ini lebih dari (menit)";
    attention_reason: "Reason for attention", "Alasan perhatian";
    settled_day: "Settled on (WIB)", "Selesai pada (WIB)";
    clear: "Clear", "Hapus";
    no_payouts: "No payouts match.", "Tidak ada payout yang cocok.";
    older: "Older", "Lebih lama";
    not_looked_at: "Not looked at yet: payouts that were inserted before", "Belum diperiksa: payout yang masuk sebelum";
    look_further: "Look further back", "Cari lebih jauh ke belakang";
    newest: "Newest", "Terbaru";
    csv: "CSV of this filter", "CSV saringan ini";
    csv_too_long: "More than {} payouts match. Narrow the filter: a CSV is never cut.", "Lebih dari {} payout cocok. Persempit saringan: CSV tidak pernah dipotong.";
    select_any: "Select", "Pilih";
    select: "Select {}", "Pilih {}";
    with_selected: "With the selected ones:", "Dengan yang dipilih:";
    select_none: "Select at least one payout.", "Pilih sedikitnya satu payout.";
    select_max: "Select at most {} payouts.", "Pilih paling banyak {} payout.";

    // One payout.
    we_know: "What we know", "Yang kita ketahui";
    we_do_not_know: "What we don't know", "Yang tidak kita ketahui";
    happens_next: "What happens next", "Yang terjadi berikutnya";
    history: "History", "Riwayat";
    attempts: "Attempts", "Percobaan";
    received: "Evidence received", "Bukti yang diterima";
    ledger: "Ledger entries", "Entri buku besar";
    no_entries: "No money has moved.", "Belum ada dana yang bergerak.";
    no_attempts: "It was never sent.", "Belum pernah dikirim.";
    no_evidence: "Nothing was received.", "Belum ada yang diterima.";
    beneficiary: "Beneficiary", "Penerima";
    account: "Account", "Rekening";
    account_name: "Name", "Nama";
    gets: "Beneficiary receives", "Penerima menerima";
    debit: "Debited from our balance", "Didebit dari saldo kita";
    fee_out: "deducted from the amount", "dipotong dari jumlah";
    fee_on_top: "on top of the amount", "di luar jumlah";
    fee_not_stated: "not stated yet", "belum dinyatakan";
    quote_number: "Quote this number to the gateway", "Sebutkan nomor ini kepada gateway";
    replaces: "Replaces the failed payout", "Menggantikan payout gagal";
    created_by: "Inserted by", "Dibuat oleh";
    actions: "What you can do", "Yang dapat Anda lakukan";
    no_actions: "Nothing can be done about it now, or your login may only read.", "Tidak ada yang dapat dilakukan sekarang, atau login Anda hanya boleh membaca.";
    key_sha256: "SHA-256 of the request", "SHA-256 permintaan";

    know_queued: "It has not been sent, and nothing is held for it.", "Belum dikirim, dan tidak ada dana yang ditahan untuknya.";
    doubt_none: "Nothing is in doubt.", "Tidak ada yang diragukan.";
    next_queued: "A worker sends it as soon as one has capacity.", "Worker mengirimnya segera setelah ada kapasitas.";
    next_due: "It is due at {}.", "Jatuh temponya {}.";
    next_parked: "It is sent once the available balance covers it.", "Dikirim setelah saldo tersedia mencukupi.";
    know_submitting: "The intent to send it is recorded, and a worker may be sending it now.", "Niat mengirimnya sudah dicatat, dan worker mungkin sedang mengirimnya.";
    doubt_submitting: "Whether it has left: the request may be on the wire.", "Apakah sudah keluar: permintaannya mungkin sedang di jalan.";
    next_submitting: "The gateway's answer decides. Without an answer by {} it becomes unknown; its status is queried and it is never resent automatically.", "Jawaban gateway yang menentukan. Tanpa jawaban sampai {} menjadi tidak diketahui; statusnya ditanyakan dan tidak pernah dikirim ulang otomatis.";
    know_pending: "The gateway accepted it.", "Gateway menerimanya.";
    doubt_pending: "How it ends: accepted is not paid.", "Bagaimana berakhirnya: diterima belum berarti dibayar.";
    next_pending: "A callback or the answer to a query settles it.", "Callback atau jawaban atas pertanyaan status menyelesaikannya.";
    know_unknown: "It was sent at most this many times: {}. Queries since then: {}; none of them proved anything. {} stays held.", "Dikirim paling banyak sekian kali: {}. Pertanyaan status sejak itu: {}; tidak ada yang membuktikan apa pun. {} tetap ditahan.";
    doubt_unknown: "Whether it arrived: it may or may not have left.", "Apakah sampai: mungkin sudah terkirim, mungkin belum.";
    next_unknown: "Its status is queried and it is never resent automatically.", "Statusnya ditanyakan dan tidak pernah dikirim ulang otomatis.";
    next_query: "The next query is at {}.", "Pertanyaan status berikutnya pada {}.";
    resubmit_refused: "Resubmitting it is refused for now: {}", "Pengiriman ulang ditolak untuk saat ini: {}";
    resubmit_possible: "The gateway's answers allow two people to resubmit it.", "Jawaban gateway mengizinkan dua orang mengirimnya ulang.";
    know_paid: "The gateway reports it as paid.", "Gateway melaporkan sudah dibayar.";
    know_failed: "It failed: {}. What was held is released.", "Gagal: {}. Yang ditahan sudah dilepas.";
    know_cancelled: "It was withdrawn before it was sent.", "Ditarik sebelum dikirim.";
    know_returned: "It was paid, and the money came back.", "Sudah dibayar, dan dananya kembali.";
    know_stated: "People stated this end: {}.", "Akhir ini dinyatakan oleh: {}.";
    rests_on_statement: "This end rests on their statement alone.", "Akhir ini hanya bersandar pada pernyataan mereka.";
    next_nothing: "Nothing. It is final.", "Tidak ada. Ini sudah final.";
    next_failed: "Nothing more is sent under this order number.", "Tidak ada lagi yang dikirim dengan nomor order ini.";
    next_person: "A person is needed: {}.", "Perlu orang: {}.";
    paused_by: "It is held back by a pause of {}: {}", "Ditahan oleh jeda dari {}: {}";
    reserved_for: "It waits behind {}, which keeps funds free for itself.", "Menunggu di belakang {}, yang menyisihkan dana untuk dirinya.";
    request_waits: "Request {} ({}) by {} waits for a second person.", "Permintaan {} ({}) oleh {} menunggu orang kedua.";
    request_approved: "Request {} ({}) is approved; a worker carries it out.", "Permintaan {} ({}) disetujui; worker melaksanakannya.";
    unknown_state: "Its state is {}, which this program does not know.", "Statusnya {}, yang tidak dikenal program ini.";

    // Acts.
    replay: "Query now", "Tanyakan sekarang";
    replay_does: "The gateway's status is queried now. This only queries: nothing is sent, and it is always safe.", "Status di gateway ditanyakan sekarang. Ini hanya bertanya: tidak ada yang dikirim, dan selalu aman.";
    cancel: "Cancel", "Batalkan";
    cancel_does: "It is withdrawn for good, while it is queued; its order number is never used again. Where your rules want two people, a request is recorded instead.", "Ditarik untuk selamanya selagi masih antre; nomor ordernya tidak dipakai lagi. Bila aturan meminta dua orang, yang dicatat adalah permintaan.";
    resubmit: "Request resubmit", "Minta kirim ulang";
    resubmit_does: "You request that the same order number be sent once more. Nothing is sent now: a second person must approve within ten minutes, and the gateway is queried again first. If it did arrive after all, the gateway refuses the duplicate order number.", "Anda meminta nomor order yang sama dikirim sekali lagi. Sekarang tidak ada yang dikirim: orang kedua harus menyetujui dalam sepuluh menit, dan gateway ditanyakan lagi lebih dulu.";
    resolve_paid: "State that it was paid", "Nyatakan: dibayar";
    resolve_failed: "State that it failed", "Nyatakan: gagal";
    resolve_returned: "State that it came back", "Nyatakan: dikembalikan";
    resolve_fee: "State its fee", "Nyatakan: biaya";
    resolve_unchanged: "State that it stays as it is", "Nyatakan: tidak berubah";
    resolve_does: "You state what the gateway has not. An entry in the books is never deleted. Where the rules want two people, a second person must approve.", "Anda menyatakan yang belum dinyatakan gateway. Entri buku besar tidak pernah dihapus. Bila aturan meminta dua orang, orang kedua harus menyetujui.";
    reveal: "Reveal the beneficiary", "Tampilkan penerima";
    reveal_does: "Account and name are shown in full, once. That you saw them, and why, is recorded before they are shown.", "Rekening dan nama ditampilkan lengkap, sekali. Bahwa Anda melihatnya, dan alasannya, dicatat sebelum ditampilkan.";
    reveal_once: "They were shown already. Reveal them again if you need to; that is recorded again.", "Sudah ditampilkan. Tampilkan lagi bila perlu; itu dicatat lagi.";
    these_payouts: "{} payouts, {} in all", "{} payout, seluruhnya {}";
    field_reason: "Why (recorded; no personal data)", "Mengapa (dicatat; tanpa data pribadi)";
    field_evidence: "Evidence: a ticket, a bank statement (recorded)", "Bukti: tiket, rekening koran (dicatat)";
    field_fee: "Fee in rupiah, if it is known", "Biaya dalam rupiah, bila diketahui";
    field_back: "How much came back in rupiah, if not all of it", "Berapa yang kembali dalam rupiah, bila tidak semua";
    field_typed: "Type {} to confirm", "Ketik {} untuk konfirmasi";
    typed_wrong: "That is not what was to be typed. Nothing was done.", "Itu bukan yang harus diketik. Tidak ada yang dilakukan.";
    number_wrong: "Write whole rupiah in digits. Nothing was done.", "Tulis rupiah bulat dengan angka. Tidak ada yang dilakukan.";
    do_it: "Yes, do this", "Ya, lakukan";
    done: "Done", "Selesai";
    not_done: "Not done", "Tidak dilakukan";
    not_sure: "The database did not answer in time: it may or may not have been recorded. Look at the audit log before you try again.", "Basis data tidak menjawab tepat waktu: mungkin sudah dicatat, mungkin belum. Periksa log audit sebelum mencoba lagi.";
    did_replay: "{}: the gateway is queried now. Nothing is sent.", "{}: gateway ditanyakan sekarang. Tidak ada yang dikirim.";
    did_cancel: "{}: cancelled; nothing was sent.", "{}: dibatalkan; tidak ada yang dikirim.";
    did_request: "Recorded as request {}. Nothing is done yet: another operator must approve it within ten minutes.", "Dicatat sebagai permintaan {}. Belum ada yang dilakukan: operator lain harus menyetujuinya dalam sepuluh menit.";
    did_record: "Recorded as request {}; a worker carries it out.", "Dicatat sebagai permintaan {}; worker melaksanakannya.";
    did_reject: "Request {} is rejected; nothing is done.", "Permintaan {} ditolak; tidak ada yang dilakukan.";
    did_approve: "Request {} is approved; a worker queries the gateway and carries it out.", "Permintaan {} disetujui; worker menanyakan gateway lalu melaksanakannya.";
    was_refused: "{}: refused: {}", "{}: ditolak: {}";
    already: "This form was sent before. It acted once; this is what happened then.", "Formulir ini sudah pernah dikirim. Hanya berlaku sekali; inilah hasilnya waktu itu.";

    // Approvals.
    nothing_waits: "Nothing waits for a second person.", "Tidak ada yang menunggu orang kedua.";
    requested_by: "Requested by", "Diminta oleh";
    time_left: "Time left", "Sisa waktu";
    yours: "Yours: somebody else must approve.", "Milik Anda: orang lain yang harus menyetujui.";
    proof: "Proof, checked now", "Bukti, diperiksa sekarang";
    proof_refused: "Refused: {}", "Ditolak: {}";
    proof_quiet: "The quiet horizon ended at {}.", "Masa tenang berakhir pada {}.";
    proof_not_found: "{} \"not found\" answers, the last at {}.", "{} jawaban \"tidak ditemukan\", terakhir pada {}.";
    proof_last: "The gateway is queried once more when you approve.", "Gateway ditanyakan sekali lagi saat Anda menyetujui.";
    no_contrary: "No answer of the gateway contradicts it.", "Tidak ada jawaban gateway yang bertentangan.";
    contrary: "The gateway has answered otherwise: {}", "Gateway pernah menjawab lain: {}";
    approve: "Approve", "Setujui";
    reject: "Reject", "Tolak";
    approve_does: "You approve as the second person. What is sent again or given up as failed, a worker carries out after it has queried the gateway; all else is booked without a further check.", "Anda menyetujui sebagai orang kedua. Yang dikirim ulang atau dinyatakan gagal dilaksanakan worker setelah menanyakan gateway; selain itu dibukukan tanpa pemeriksaan lagi.";
    reject_does: "The request ends, and nothing is done.", "Permintaan berakhir, dan tidak ada yang dilakukan.";
    decided_lately: "Latest requests", "Permintaan terbaru";
    and_more: "and {} more", "dan {} lagi";

    // Money.
    balances: "Balances", "Saldo";
    stated_back: "Came back, as the requester states", "Kembali, menurut pemohon";
    stated_fee: "Fee, as the requester states", "Biaya, menurut pemohon";
    report_of: "Report", "Laporan";
    month: "Month (WIB)", "Bulan (WIB)";
    date: "Day (WIB)", "Hari (WIB)";
    sums: "Opening + top-ups + returned − net − fees − more held = closing. Gross is the instructed amount, net what beneficiaries received, debit what it cost: net + fee.", "Saldo awal + isi ulang + dikembalikan − neto − biaya − tambahan ditahan = saldo akhir. Bruto adalah jumlah yang diinstruksikan, neto yang diterima penerima, debit yang didebit dari saldo: neto + biaya.";
    gross: "Gross", "Bruto";
    net: "Net", "Neto";
    net_minus: "− net", "− neto";
    by_bank: "By bank", "Per bank";
    nothing_ended: "No payout ended in this time.", "Tidak ada payout yang selesai dalam waktu ini.";
    why_failed: "Why payouts failed", "Mengapa payout gagal";
    payouts_paid: "Paid", "Dibayar";
    payouts_failed: "Failed", "Gagal";
    payouts_returned: "Returned", "Dikembalikan";
    ageing: "What is open, by age", "Yang belum selesai, menurut umur";
    age: "Age", "Umur";
    gross_left: "Gross that may have left", "Bruto yang mungkin sudah keluar";
    show: "Show", "Tampilkan";
    opening: "Opening, available", "Saldo awal, tersedia";
    top_ups: "+ top-ups", "+ isi ulang";
    came_back: "+ returned", "+ dikembalikan";
    fees_kept: "− fees kept by the gateway", "− biaya gateway";
    more_held: "− more held", "− tambahan ditahan";
    closing: "Closing, available", "Saldo akhir, tersedia";
    closing_held: "Held at the end", "Ditahan pada akhir";
    statement: "Gateway statement", "Rekening koran gateway";
    statement_does: "Compare a CSV file of the gateway with our payouts. Its first line names the columns: order_num and amount; optionally status and fee. Nothing is changed, and the file is not kept.", "Bandingkan berkas CSV gateway dengan payout kita. Baris pertama menamai kolom: order_num dan amount; opsional status dan fee. Tidak ada yang diubah, dan berkas tidak disimpan.";
    file: "CSV file", "Berkas CSV";
    covered_day: "The day it covers (WIB), to find what is missing in it", "Hari yang dicakup (WIB), untuk menemukan yang tidak ada di dalamnya";
    compare: "Compare", "Bandingkan";
    compared: "{} lines, {}; {} differences", "{} baris, {}; {} selisih";
    all_match: "Every line matches.", "Semua baris cocok.";
    matches: "{} lines match.", "{} baris cocok.";
    line: "Line", "Baris";
    here: "Here", "Di sini";
    there: "There", "Di sana";
    amount_here: "Amount here", "Jumlah di sini";
    amount_there: "Amount there", "Jumlah di sana";

    // Workers and gateway.
    pauses: "Pauses", "Jeda";
    nothing_paused: "Nothing is paused.", "Tidak ada yang dijeda.";
    everything: "everything", "semuanya";
    until_resumed: "until it is resumed", "sampai dilanjutkan";
    daily: "daily {} WIB", "setiap hari {} WIB";
    in_force: "in force", "berlaku";
    not_in_force: "not in force now", "tidak berlaku sekarang";
    held_back: "Queued payouts held back", "Payout antre yang ditahan";
    pause: "Pause", "Jeda";
    resume: "Resume", "Lanjutkan";
    pause_does: "No new payouts are sent. Queries and callbacks continue for those already sent.", "Tidak ada payout baru yang dikirim. Pertanyaan status dan callback tetap berjalan untuk yang sudah dikirim.";
    resume_does: "Sending resumes for everything that this pause holds back.", "Pengiriman dilanjutkan untuk semua yang ditahan jeda ini.";
    did_pause: "{} is paused: no new payouts are sent.", "{} dijeda: tidak ada payout baru yang dikirim.";
    did_resume: "{} is resumed.", "{} dilanjutkan.";
    scope: "What to pause", "Yang dijeda";
    scope_all: "Everything", "Semuanya";
    scope_merchant: "A merchant", "Satu merchant";
    scope_bank: "A bank", "Satu bank";
    scope_code: "Its code", "Kodenya";
    daily_times: "Only between these times of each day, as 23:00-04:00 (WIB)", "Hanya di antara jam ini setiap hari, seperti 23:00-04:00 (WIB)";
    failover: "Failover", "Failover";
    failover_open: "Claims are open: no failover or restore since the last acceptance.", "Pengiriman terbuka: tidak ada failover atau pemulihan sejak penerimaan terakhir.";
    failover_none: "No worker has claimed in this database yet.", "Belum ada worker yang bekerja di basis data ini.";
    failover_stopped: "Claims are stopped: {}", "Pengiriman berhenti: {}";
    failover_trusted: "Answers count again from {}.", "Jawaban berlaku lagi mulai {}.";
    failover_queried: "Queued payouts still to be queried: {}", "Payout antre yang masih harus ditanyakan: {}";
    accept: "Request that claims continue", "Minta pengiriman dilanjutkan";
    accept_does: "You state that nobody has been able to write to the old primary since the time below, and that you examined what was found at the gateway. A second person must approve.", "Anda menyatakan bahwa sejak waktu di bawah tidak ada yang dapat menulis ke primary lama, dan bahwa Anda telah memeriksa yang ditemukan di gateway. Orang kedua harus menyetujui.";
    dead_since: "Nobody can write to the old primary since (as 2026-11-21T08:00:00+07:00)", "Sejak kapan primary lama tidak dapat ditulis (seperti 2026-11-21T08:00:00+07:00)";
    set_aside: "Set aside what cannot be queried; it is never sent", "Sisihkan yang tidak dapat ditanyakan; tidak pernah dikirim";
    time_wrong: "Write a time such as 2026-11-21T08:00:00+07:00. Nothing was done.", "Tulis waktu seperti 2026-11-21T08:00:00+07:00. Tidak ada yang dilakukan.";
    not_yet: "Not yet: {}", "Belum: {}";
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
