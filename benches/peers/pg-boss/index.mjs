// pg-boss as the queue.
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { unfinished } from '../node/books.mjs'
import { main } from '../node/peer.mjs'

const QUEUE = 'submit'

async function connect(options) {
  const boss = new PgBoss(options)
  boss.on('error', (error) => console.error(error))
  return boss.start()
}

await main(pg, {
  async migrate({ databaseUrl }) {
    const boss = await connect(databaseUrl)
    await boss.createQueue(QUEUE)
  },

  async enqueue({ databaseUrl }) {
    const boss = await connect(databaseUrl)
    const pool = new pg.Pool({ connectionString: databaseUrl })
    await boss.insert(QUEUE, (await unfinished(pool)).map((id) => ({ data: { id } })))
  },

  // A worker fetches a batch, and the next when all of it is done; several share the jobs in flight.
  async start({ databaseUrl, concurrency, batch }, submit) {
    const workers = Math.ceil(concurrency / batch)
    const boss = await connect({ connectionString: databaseUrl, max: Math.max(workers, 10) })
    const options = {
      batchSize: batch,
      localConcurrency: workers,
      pollingIntervalSeconds: 0.5,
      // Fetches again at once while there is more.
      ...(batch > 1 ? { burstWhenBatchFull: true } : { burstWhenReadyExceeds: 1 }),
    }
    await boss.work(QUEUE, options, (jobs) => Promise.all(jobs.map(({ data }) => submit(data.id))).then(() => undefined))
  },
})
