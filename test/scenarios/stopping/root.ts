import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    orders: filesystemStore({ path: './orders', watch: true, settle: 50 }),
  },
  (action) => ({
    /** A program that ignores TERM, and starts another one that does so as well. */
    deaf: action({
      after: ['orders'],
      exec: [
        'sh',
        '-c',
        'trap "" TERM; sh -c \'trap "" TERM; while true; do sleep 0.1; done\' & echo pids $$ $!; wait; wait',
      ],
    }),
    /** A function that hears nothing. */
    blocked: action({ after: ['orders'] }, ({ log }) => {
      log.info(`pids ${process.pid}`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      for (const until = Date.now() + 60_000; Date.now() < until; );
    }),
    never: action({ after: ['deaf', 'blocked'] }, () => undefined),
  }),
)
