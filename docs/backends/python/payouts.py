"""Pays withdrawals through the schema `payout`: pay ID | cancel ID REASON | follow [N]"""

import os
import select
import sys
import time

import psycopg

DATABASE_URL = os.environ["DATABASE_URL"]
PAUSES = (0.1, 0.5, 1, 2, 4, 8)  # seconds between tries: together longer than a restart of the server
POLL = 5  # seconds
FINAL = {"paid", "failed", "cancelled", "returned"}
# The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
ABOUT_THE_ROW = {"PW001", "PW002", "PW003", "PW004", "PW005", "PW006", "PW009", "PW017", "PW029"}
# Never one that is approved already, or that has a payout.
REFUSE = """update withdrawals w set status = 'refused', note = %s
            where id = %s and status in ('requested', 'refused')
              and not exists (select from payout.status where order_num = 'WD-' || w.id)"""
TRANSIENT = {"40001", "40P01", "57P01", "57P02", "57P03"}


def is_transient(error):
    if error.sqlstate is None:  # a connection that could not be made, or broke
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate in TRANSIENT or error.sqlstate.startswith(("08", "53"))


def connect(**options):
    db = psycopg.connect(DATABASE_URL, **options)
    db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # payout.cancel refuses the higher ones
    return db


def transaction(work):
    """Runs `work` in a transaction, and again if something transient stops it.

    If the connection breaks during the commit, nobody knows whether it was committed. So `work` must do the same when
    it runs twice as when it runs once.
    """
    for pause in (*PAUSES, None):
        try:
            with connect() as db:  # commits at the end, rolls back after an exception
                return work(db)
        except psycopg.Error as error:
            if pause is None or not is_transient(error):
                raise
        time.sleep(pause)


def describe(error):
    """Code, message and hint: of a refusal, none of them is personal."""
    if error.sqlstate is None:
        return str(error)
    return f"{error.sqlstate}: {error.diag.message_primary}. {error.diag.message_hint or ''}".rstrip()


def approve(db, id):
    """Approves and enqueues: both happen, or neither. Returns the withdrawal's status."""
    db.execute("update withdrawals set status = 'approved' where id = %s and status = 'requested'", [id])
    row = db.execute(
        "select status, amount, bank_code, account_number, account_name from withdrawals where id = %s", [id]
    ).fetchone()
    if row is None:
        sys.exit(f"there is no withdrawal {id}")
    status, *instruction = row
    if status == "approved":
        # The order number comes from the withdrawal, never from a clock or a counter. If an earlier try was committed
        # without our knowing, this insert meets that payout and does nothing.
        db.execute(
            """insert into payout.payouts (order_num, fee_type, amount, bank_code, account_number, account_name)
               values (%s, 0, %s, %s, %s, %s) on conflict (merchant_code, order_num) do nothing""",
            [f"WD-{id}", *instruction],
        )
    return status


def pay(id):
    try:
        print(transaction(lambda db: approve(db, id)), f"WD-{id}")
    except psycopg.Error as error:
        if error.sqlstate not in ABOUT_THE_ROW:
            raise
        if transaction(lambda db: db.execute(REFUSE, [describe(error), id]).rowcount) == 0:
            raise
        print(f"refused WD-{id} {describe(error)}")


def cancel(id, reason):
    state = "cancelled"
    try:
        transaction(lambda db: db.execute("select payout.cancel(%s, %s)", [f"WD-{id}", reason]))
    except psycopg.Error as error:
        if error.sqlstate != "PW013":  # not queued any more: an earlier try may have cancelled it without our knowing
            raise
        query = "select state from payout.status where order_num = %s"
        (state,) = transaction(lambda db: db.execute(query, [f"WD-{id}"]).fetchone())
    print("cancelled" if state == "cancelled" else "too late", f"WD-{id}")


def handle_batch(db):
    """Handles the next events and moves the cursor in one transaction. Returns how many events, and how many ends."""
    with db.transaction():
        # A second consumer waits here, and then begins where this one ended.
        (seq,) = db.execute("select seq from payout_cursor where name = 'withdrawals' for update").fetchone()
        events = db.execute(
            "select seq, to_state, order_num from payout.events where seq > %s order by seq limit 500", [seq]
        ).fetchall()
        ends = [(state, order_num) for _, state, order_num in events if state in FINAL]
        for end in ends:
            # Comparing 'WD-' || id would read the whole table; this uses its primary key.
            db.execute(
                """update withdrawals set status = %s
                   where id = substring(%s from '^WD-([1-9][0-9]{0,17})$')::bigint""",
                end,
            )
        if events:
            db.execute("update payout_cursor set seq = %s where name = 'withdrawals'", [events[-1][0]])
    for state, order_num in ends:
        print(state, order_num, flush=True)
    return len(events), len(ends)


def follow(wanted=float("inf")):
    while wanted > 0:
        try:
            with connect(autocommit=True) as db:
                wake_ups = []
                db.add_notify_handler(wake_ups.append)
                db.execute("listen payout_status")
                db.execute("insert into payout_cursor values ('withdrawals', 0) on conflict (name) do nothing")
                while wanted > 0:
                    wake_ups.clear()
                    events, ends = handle_batch(db)
                    wanted -= ends
                    if wanted > 0 and not events and not wake_ups:
                        select.select([db], [], [], POLL)
        except psycopg.Error as error:
            if not is_transient(error):
                raise
            time.sleep(1)


try:
    match sys.argv[1:]:
        case ["pay", id]:
            pay(int(id))
        case ["cancel", id, reason]:
            cancel(int(id), reason)
        case ["follow", *n]:
            follow(*map(int, n))
        case _:
            sys.exit(__doc__)
except psycopg.Error as error:
    sys.exit(describe(error))
