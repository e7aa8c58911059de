"""Pays withdrawals through the table payout.payouts, with SQLAlchemy 2 and psycopg: `pay ID` and `status ID`."""

import os
import sys
import time
from decimal import Decimal

from sqlalchemy import Column, MetaData, Numeric, SmallInteger, Table, Text, create_engine, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

# The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
ABOUT_THE_ROW = {"PW001", "PW002", "PW003", "PW004", "PW005", "PW006", "PW009", "PW017", "PW029"}


class Base(DeclarativeBase):
    """The application's own tables: what its migrations compare with the database."""


class Withdrawal(Base):
    __tablename__ = "withdrawals"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[Decimal]
    bank_code: Mapped[str]
    account_number: Mapped[str]
    account_name: Mapped[str]
    status: Mapped[str]
    note: Mapped[str | None]


# Of the schema `payout`, in a metadata of its own, so that no migration touches it: the columns that we insert, and the
# view that we read. Tables and not classes, because a session would read a payout back and write changes to it.
contract = MetaData(schema="payout")
payouts = Table(
    "payouts",
    contract,
    Column("merchant_code", Text),
    Column("order_num", Text),
    Column("amount", Numeric),
    Column("fee_type", SmallInteger),
    Column("bank_code", Text),
    Column("account_number", Text),
    Column("account_name", Text),
)
payout_status = Table("status", contract, Column("order_num", Text), Column("state", Text))

# Without hide_parameters an error repeats the account number and the name.
url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
transaction = sessionmaker(create_engine(url, hide_parameters=True, pool_pre_ping=True)).begin


def in_transaction(work, *arguments):
    """Runs `work` in a transaction, again after a deadlock, a serialization failure or a lost connection."""
    for pause in (0.1, 0.5, 2, 5, None):
        try:
            with transaction() as session:
                return work(session, *arguments)
        except OperationalError:
            if pause is None:
                raise
            time.sleep(pause)


def approve(session, withdrawal_id):
    """Approves and enqueues: both happen, or neither. Does the same when it runs twice as when it runs once."""
    withdrawal = session.get_one(Withdrawal, withdrawal_id, with_for_update=True)
    if withdrawal.status == "requested":
        withdrawal.status = "approved"
    if withdrawal.status == "approved":
        payout = insert(payouts).values(
            order_num=f"WD-{withdrawal.id}",
            amount=withdrawal.amount,
            fee_type=0,
            bank_code=withdrawal.bank_code,
            account_number=withdrawal.account_number,
            account_name=withdrawal.account_name,
        )
        session.execute(payout.on_conflict_do_nothing(index_elements=["merchant_code", "order_num"]))
    return withdrawal.status


def refuse(session, withdrawal_id, note):
    """Marks the withdrawal as refused, unless it is approved already or has a payout. Returns whether it did."""
    has_payout = exists().where(payout_status.c.order_num == f"WD-{withdrawal_id}")
    refusal = update(Withdrawal).where(
        Withdrawal.id == withdrawal_id, Withdrawal.status.in_(["requested", "refused"]), ~has_payout
    )
    return session.execute(refusal.values(status="refused", note=note)).rowcount == 1


def describe(error):
    """Code, message and hint: of a refusal, none of them is personal."""
    if error.orig.sqlstate is None:
        return str(error.orig)
    diag = error.orig.diag
    return f"{diag.sqlstate}: {diag.message_primary}. {diag.message_hint or ''}".rstrip()


def pay(withdrawal_id):
    try:
        return f"{in_transaction(approve, withdrawal_id)} WD-{withdrawal_id}"
    except DBAPIError as error:
        note = describe(error)
        if error.orig.sqlstate not in ABOUT_THE_ROW or not in_transaction(refuse, withdrawal_id, note):
            raise
        return f"refused WD-{withdrawal_id} {note}"


def status(withdrawal_id):
    wanted = select(payout_status.c.state).where(payout_status.c.order_num == f"WD-{withdrawal_id}")
    return in_transaction(lambda session: session.scalar(wanted)) or f"no payout WD-{withdrawal_id}"


if __name__ == "__main__":
    command, withdrawal_id = sys.argv[1:]
    try:
        print({"pay": pay, "status": status}[command](int(withdrawal_id)))
    except DBAPIError as error:
        sys.exit(describe(error))
