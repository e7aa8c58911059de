// A payout worker on somebody else's queue: marks, sends, records, settles. The queue only says which payout is next.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Books } from './books.mjs'
import { Gateway } from './gateway.mjs'

const SWEEP_EVERY_MS = 1_000
const SWEEP_ROWS = 100
// Exactly these stand in a callback (protocol P19, P20).
const CALLBACK = [
  'bankCode', 'description', 'fee', 'feeType', 'money', 'name', 'number', 'orderNum', 'platOrderNum', 'platSign',
  'status', 'statusMsg',
].join()

class Payouts {
  constructor(pool, config) {
    this.books = new Books(pool, config)
    this.gateway = new Gateway(config)
  }

  // One job. The mark is committed before the request leaves, so a job that runs again sends nothing.
  async submit(id) {
    const payout = await this.books.mark(id)
    if (!payout) return
    const { accepted, declined, unknown } = await this.gateway.submit(payout)
    if (accepted) await this.books.acknowledge(payout.id, accepted)
    else if (declined) await this.books.settle({ order_num: payout.order_num, paid: false })
    else console.error(`${payout.order_num} may be paid: ${unknown}`)
  }

  async query(orderNum) {
    const evidence = await this.gateway.query(orderNum)
    if (evidence) await this.books.settle(evidence)
  }

  // Whether the callback may be answered with SUCCESS.
  async callback(body) {
    const fields = Object.fromEntries(new URLSearchParams(body))
    if (Object.keys(fields).sort().join() !== CALLBACK || !this.gateway.verifier.verifies(fields)) return false
    if (fields.status !== '2') {
      await this.query(fields.orderNum)
      return true
    }
    const settled = await this.books.settle({
      order_num: fields.orderNum,
      paid: true,
      platform_ref: fields.platOrderNum,
      fee: fields.fee,
      amount: fields.money,
      fee_type: fields.feeType,
      bank_code: fields.bankCode,
      account_number: fields.number,
      account_name: fields.name,
      description: fields.description,
    })
    // Where the answer to the submit is not recorded yet, the gateway calls again.
    return Boolean(settled) || this.books.isFinal(fields.orderNum, fields.platOrderNum)
  }

  // Queries what no callback has settled in time.
  async sweep() {
    const due = await this.books.due(SWEEP_ROWS)
    await Promise.all(due.map((orderNum) => this.query(orderNum)))
    setTimeout(() => this.sweep().catch(fail), SWEEP_EVERY_MS)
  }
}

async function bodyOf(message) {
  const parts = []
  for await (const part of message) parts.push(part)
  return Buffer.concat(parts).toString()
}

function serve(payouts, config, start) {
  const answers = {
    '/readyz': async () => 'ready',
    '/start': async () => {
      await start((id) => payouts.submit(id))
      payouts.sweep().catch(fail)
      return 'started'
    },
    '/callback': async (request) => ((await payouts.callback(await bodyOf(request))) ? 'SUCCESS' : undefined),
  }
  const [host, port] = config.listen.split(':')
  createServer(async (request, response) => {
    try {
      const text = await answers[request.url]?.(request)
      response.writeHead(text ? 200 : 409).end(text)
    } catch (error) {
      console.error(error)
      response.writeHead(500).end()
    }
  }).listen(Number(port), host)
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

// `node index.mjs COMMAND CONFIG`. A queue has `migrate(config)`, `enqueue(config)`, which gives it a job for every
// unfinished payout, and `start(config, submit)`.
export async function main(pg, queue) {
  const [command, file] = process.argv.slice(2)
  const config = JSON.parse(readFileSync(file))
  process.on('SIGTERM', () => process.exit(0))
  if (command === 'run') {
    const pool = new pg.Pool({ connectionString: config.databaseUrl, max: config.concurrency })
    serve(new Payouts(pool, config), config, (submit) => queue.start(config, submit))
  } else {
    await queue[command](config)
    process.exit(0)
  }
}
