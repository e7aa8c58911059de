// Pays withdrawals through the schema `payout`: pay ID | cancel ID REASON | follow [N]

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const connectionString = process.env.DATABASE_URL;
const PAUSES = [100, 500, 1000, 2000, 4000, 8000]; // ms between tries: together longer than a restart of the server
const POLL = 5000; // ms
const FINAL = ['paid', 'failed', 'cancelled', 'returned'];
// The refusals that are about a value of the row: a repeat changes nothing. All others are for a person.
const ABOUT_THE_ROW = ['PW001', 'PW002', 'PW003', 'PW004', 'PW005', 'PW006', 'PW009', 'PW017', 'PW029'];
// Never one that is approved already, or that has a payout.
const REFUSE = `update withdrawals w set status = 'refused', note = $1
                where id = $2 and status in ('requested', 'refused')
                  and not exists (select from payout.status where order_num = 'WD-' || w.id)`;
const TRANSIENT = /^(08...|53...|57P0[123]|40001|40P01)$/;
const NO_CONNECTION = /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOST\w+|ENET\w+|ENOTFOUND|EAI_AGAIN)$/;
const BEGIN = 'begin isolation level read committed'; // payout.cancel refuses the higher ones

const pool = new pg.Pool({ connectionString });
// Without listeners, a connection that breaks while no query runs would end the process.
pool.on('connect', (client) => client.on('error', () => {}));
pool.on('error', () => {});

function isTransient(error) {
  if (error instanceof pg.DatabaseError) return TRANSIENT.test(error.code);
  // A connection that breaks during a query has no code, only a message.
  return NO_CONNECTION.test(error.code) || /^Connection terminated|not queryable/.test(error.message);
}

/**
 * Runs `work` in a transaction, and again if something transient stops it.
 *
 * If the connection breaks during the commit, nobody knows whether it was committed. So `work` must do the same when it
 * runs twice as when it runs once.
 */
async function transaction(work, [pause, ...pauses] = PAUSES) {
  let client;
  try {
    client = await pool.connect();
    await client.query(BEGIN);
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    client?.release(error); // closes the connection, which rolls back
    if (pause === undefined || !isTransient(error)) throw error;
  }
  await sleep(pause);
  return transaction(work, pauses);
}

/** Code, message and hint: of a refusal, none of them is personal. */
const describe = (error) => `${error.code}: ${error.message}. ${error.hint ?? ''}`.trim();

/** Approves and enqueues: both happen, or neither. Returns the withdrawal's status. */
async function approve(db, id) {
  await db.query("update withdrawals set status = 'approved' where id = $1 and status = 'requested'", [id]);
  const { rows: [row] } = await db.query(
    'select status, amount, bank_code, account_number, account_name from withdrawals where id = $1', [id]);
  if (!row) throw new Error(`there is no withdrawal ${id}`);
  if (row.status === 'approved') {
    // The order number comes from the withdrawal, never from a clock or a counter. If an earlier try was committed
    // without our knowing, this insert meets that payout and does nothing. The amount is a string, here and there.
    await db.query(
      `insert into payout.payouts (order_num, fee_type, amount, bank_code, account_number, account_name)
       values ($1, 0, $2, $3, $4, $5) on conflict (merchant_code, order_num) do nothing`,
      [`WD-${id}`, row.amount, row.bank_code, row.account_number, row.account_name]);
  }
  return row.status;
}

async function pay(id) {
  try {
    console.log(`${await transaction((db) => approve(db, id))} WD-${id}`);
  } catch (error) {
    if (!ABOUT_THE_ROW.includes(error.code)) throw error;
    const { rowCount } = await transaction((db) => db.query(REFUSE, [describe(error), id]));
    if (rowCount === 0) throw error;
    console.log(`refused WD-${id} ${describe(error)}`);
  }
}

async function cancel(id, reason) {
  let state = 'cancelled';
  try {
    await transaction((db) => db.query('select payout.cancel($1, $2)', [`WD-${id}`, reason]));
  } catch (error) {
    if (error.code !== 'PW013') throw error; // not queued any more: perhaps an earlier try has cancelled it
    const query = 'select state from payout.status where order_num = $1';
    ({ rows: [{ state }] } = await transaction((db) => db.query(query, [`WD-${id}`])));
  }
  console.log(`${state === 'cancelled' ? 'cancelled' : 'too late'} WD-${id}`);
}

/** Handles the next events and moves the cursor in one transaction. Returns how many events, and how many ends. */
async function handleBatch(db) {
  await db.query(BEGIN);
  // A second consumer waits here, and then begins where this one ended.
  const { rows: [{ seq }] } = await db.query("select seq from payout_cursor where name = 'withdrawals' for update");
  const { rows: events } = await db.query(
    'select seq, to_state, order_num from payout.events where seq > $1 order by seq limit 500', [seq]);
  const ends = events.filter((event) => FINAL.includes(event.to_state));
  for (const { to_state, order_num } of ends) {
    // Comparing 'WD-' || id would read the whole table; this uses its primary key.
    await db.query(
      "update withdrawals set status = $1 where id = substring($2 from '^WD-([1-9][0-9]{0,17})$')::bigint",
      [to_state, order_num]);
  }
  if (events.length > 0) {
    await db.query("update payout_cursor set seq = $1 where name = 'withdrawals'", [events.at(-1).seq]);
  }
  await db.query('commit');
  for (const { to_state, order_num } of ends) console.log(`${to_state} ${order_num}`);
  return [events.length, ends.length];
}

async function follow(wanted = Infinity) {
  while (wanted > 0) {
    const client = new pg.Client({ connectionString });
    let wake = () => {};
    client.on('notification', () => wake());
    client.on('error', () => wake()); // the next query says what happened
    try {
      await client.connect();
      await client.query('listen payout_status');
      await client.query("insert into payout_cursor values ('withdrawals', 0) on conflict (name) do nothing");
      while (wanted > 0) {
        const woken = new Promise((resolve) => { wake = resolve; }); // before reading: none is missed
        const [events, ends] = await handleBatch(client);
        wanted -= ends;
        if (wanted > 0 && events === 0) await Promise.race([woken, sleep(POLL, null, { ref: false })]);
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
      await sleep(1000);
    } finally {
      await client.end();
    }
  }
}

const [command, argument, reason] = process.argv.slice(2);
try {
  if (command === 'pay') await pay(BigInt(argument));
  else if (command === 'cancel') await cancel(BigInt(argument), reason);
  else if (command === 'follow') await follow(argument && Number(argument));
  else throw new Error('pay ID | cancel ID REASON | follow [N]');
} catch (error) {
  if (!(error instanceof pg.DatabaseError)) throw error;
  console.error(describe(error));
  process.exitCode = 1;
} finally {
  await pool.end();
}
