// The statements of ../sql, one payout at a time or gathered.
import { readFileSync } from 'node:fs'

const read = (name) => readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), 'utf8')
const statements = Object.fromEntries(
  ['mark', 'acknowledge', 'settle', 'due', 'is_final', 'unfinished'].map((name) => [name, read(name)]),
)
const SETTLED = [
  'order_num', 'paid', 'platform_ref', 'fee', 'amount', 'fee_type', 'bank_code', 'account_number', 'account_name',
  'description',
]

export class Books {
  constructor(pool, { merchantCode, batch, queryAfterSeconds }) {
    this.pool = pool
    this.merchantCode = merchantCode
    this.queryAfterSeconds = queryAfterSeconds
    const column = (rows, name) => rows.map((row) => row[name] ?? null)
    this.marks = new Gathering(batch, 'id', (rows) => this.run('mark', column(rows, 'id'), queryAfterSeconds))
    this.answers = new Gathering(batch, 'id', (rows) =>
      this.run('acknowledge', ...['id', 'platform_ref', 'fee'].map((name) => column(rows, name))))
    this.ends = new Gathering(batch, 'order_num', (rows) =>
      this.run('settle', merchantCode, ...SETTLED.map((name) => column(rows, name))))
  }

  // The payout, if it may be sent; nothing if somebody marked it before.
  mark(id) {
    return this.marks.add({ id: String(id) })
  }

  acknowledge(id, { platform_ref, fee }) {
    return this.answers.add({ id, platform_ref, fee })
  }

  // Nothing if the evidence settles nothing.
  settle(evidence) {
    return this.ends.add(evidence)
  }

  async isFinal(orderNum, platformRef) {
    return (await this.run('is_final', this.merchantCode, orderNum, platformRef)).length > 0
  }

  async due(limit) {
    return (await this.run('due', limit, this.queryAfterSeconds)).map((row) => row.order_num)
  }

  async run(name, ...values) {
    return (await this.pool.query({ name, text: statements[name], values })).rows
  }
}

export const unfinished = async (client) => (await client.query(statements.unfinished)).rows.map((row) => Number(row.id))

// Writes in one statement what gathered while the one before was on its way; with a limit of 1, each row alone.
class Gathering {
  constructor(limit, key, write) {
    Object.assign(this, { limit, key, write, waiting: [], writing: false })
  }

  async add(row) {
    if (this.limit === 1) return (await this.write([row]))[0]
    return new Promise((resolve, reject) => {
      this.waiting.push({ row, resolve, reject })
      // After this turn of the event loop, so that a batch of jobs becomes one statement.
      setImmediate(() => this.flush())
    })
  }

  async flush() {
    if (this.writing || this.waiting.length === 0) return
    this.writing = true
    const batch = this.waiting.splice(0, this.limit)
    try {
      const written = await this.write(batch.map(({ row }) => row))
      const found = new Map(written.map((row) => [row[this.key], row]))
      for (const { row, resolve } of batch) resolve(found.get(row[this.key]))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.writing = false
    this.flush()
  }
}
