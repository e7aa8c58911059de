// graphile-worker as the queue.
import { makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import pg from 'pg'
import { unfinished } from '../node/books.mjs'
import { main } from '../node/peer.mjs'

await main(pg, {
  migrate: ({ databaseUrl }) => runMigrations({ connectionString: databaseUrl }),

  async enqueue({ databaseUrl }) {
    const pool = new pg.Pool({ connectionString: databaseUrl })
    const utils = await makeWorkerUtils({ pgPool: pool })
    await utils.addJobs((await unfinished(pool)).map((id) => ({ identifier: 'submit', payload: { id } })))
  },

  async start({ databaseUrl, concurrency, batch }, submit) {
    const worker = {
      connectionString: databaseUrl,
      concurrentJobs: concurrency,
      maxPoolSize: concurrency + 2,
      ...(batch > 1 && { localQueue: { size: 2 * concurrency }, completeJobBatchDelay: 10 }),
    }
    await run({ preset: { worker }, noHandleSignals: true, taskList: { submit: ({ id }) => submit(id) } })
  },
})
