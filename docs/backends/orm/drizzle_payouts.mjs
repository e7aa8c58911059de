// Pays withdrawals through the table payout.payouts, with Drizzle and node-postgres: `pay ID` and `status ID`.

import { setTimeout as sleep } from "node:timers/promises";
import { and, eq, inArray, notExists } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { bigint, numeric, pgSchema, pgTable, smallint, text } from "drizzle-orm/pg-core";
import pg from "pg";

// The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
const ABOUT_THE_ROW = new Set(["PW001", "PW002", "PW003", "PW004", "PW005", "PW006", "PW009", "PW017", "PW029"]);

const withdrawals = pgTable("withdrawals", {
  id: bigint({ mode: "bigint" }).primaryKey(),
  amount: numeric(), // a string: a JavaScript number is a float
  bankCode: text("bank_code"),
  accountNumber: text("account_number"),
  accountName: text("account_name"),
  status: text(),
  note: text(),
});

// Of the schema `payout`: the columns that we insert, and the view that we read. Keep both out of the files that
// drizzle-kit reads.
const payout = pgSchema("payout");
const payouts = payout.table("payouts", {
  merchantCode: text("merchant_code"),
  orderNum: text("order_num").notNull(),
  amount: numeric().notNull(),
  feeType: smallint("fee_type").notNull(),
  bankCode: text("bank_code").notNull(),
  accountNumber: text("account_number").notNull(),
  accountName: text("account_name").notNull(),
});
const payoutStatus = payout.view("status", { orderNum: text("order_num"), state: text() }).existing();

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
// Without a listener, a lost connection ends the process.
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {}));
const db = drizzle(pool);

// Drizzle's own error repeats the parameters, the account number and the name among them. Log its cause instead.
const causeOf = (error) => error.cause ?? error;

const isTransient = (cause) =>
  cause instanceof pg.DatabaseError ? /^(40001$|40P01$|08|53|57P)/.test(cause.code) : !(cause instanceof TypeError);

async function inTransaction(work) {
  for (const pause of [100, 500, 2000, 5000, undefined]) {
    try {
      return await db.transaction(work);
    } catch (error) {
      const cause = causeOf(error);
      if (pause === undefined || !isTransient(cause)) throw cause;
      await sleep(pause);
    }
  }
}

// Approves and enqueues: both happen, or neither. Does the same when it runs twice as when it runs once.
async function approve(tx, id) {
  const ofThisId = eq(withdrawals.id, id);
  await tx.update(withdrawals).set({ status: "approved" }).where(and(ofThisId, eq(withdrawals.status, "requested")));
  const [withdrawal] = await tx.select().from(withdrawals).where(ofThisId);
  if (withdrawal?.status === "approved") {
    const { amount, bankCode, accountNumber, accountName } = withdrawal;
    await tx
      .insert(payouts)
      .values({ orderNum: `WD-${id}`, amount, feeType: 0, bankCode, accountNumber, accountName })
      .onConflictDoNothing({ target: [payouts.merchantCode, payouts.orderNum] });
  }
  return withdrawal?.status;
}

// Marks the withdrawal as refused, unless it is approved already or has a payout. Returns whether it did.
async function refuse(tx, id, note) {
  const isOpen = inArray(withdrawals.status, ["requested", "refused"]);
  const itsPayout = tx.select().from(payoutStatus).where(eq(payoutStatus.orderNum, `WD-${id}`));
  const unpaid = and(eq(withdrawals.id, id), isOpen, notExists(itsPayout));
  return (await tx.update(withdrawals).set({ status: "refused", note }).where(unpaid)).rowCount === 1;
}

// Code, message and hint: of a refusal, none of them is personal.
const describe = (error) => `${error.code}: ${error.message}. ${error.hint ?? ""}`.trim();

async function pay(id) {
  try {
    const status = await inTransaction((tx) => approve(tx, id));
    if (!status) throw new Error(`there is no withdrawal ${id}`);
    return `${status} WD-${id}`;
  } catch (error) {
    const note = describe(error);
    if (!ABOUT_THE_ROW.has(error.code) || !(await inTransaction((tx) => refuse(tx, id, note)))) throw error;
    return `refused WD-${id} ${note}`;
  }
}

async function status(id) {
  const ofThisOrder = eq(payoutStatus.orderNum, `WD-${id}`);
  const [row] = await inTransaction((tx) => tx.select().from(payoutStatus).where(ofThisOrder));
  return row?.state ?? `no payout WD-${id}`;
}

const [command, id] = process.argv.slice(2);
try {
  console.log(await { pay, status }[command](BigInt(id)));
} catch (error) {
  if (!(error instanceof pg.DatabaseError)) throw error;
  console.error(describe(error));
  process.exitCode = 1;
} finally {
  await pool.end();
}
