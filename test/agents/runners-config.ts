import { spawn } from 'node:child_process'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** Functions as they ought not to be. */
export const awkward = pipeline(
  'awkward',
  {
    metadata: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true }),
    outbox: filesystemStore({ path: './outbox' }),
  },
  (action) => ({
    /** Leaves a process behind that holds the output open. */
    leaves: action({}, () => {
      const left = spawn('sleep', ['600'], { stdio: 'inherit' })
      process.stdout.write(`left ${left.pid}\n`)
    }),
    /** Leaves one that does not want to end, and says so. */
    clings: action({}, async () => {
      const left = spawn('sh', ['-c', 'trap "" TERM; echo deaf; while true; do sleep 0.1; done'])
      process.stdout.write(`left ${left.pid}\n`)
      await new Promise((resolve) => left.stdout.once('data', resolve))
    }),
    /** Leaves one that is out of reach. */
    escapes: action({}, () => {
      const left = spawn('sleep', ['600'], { stdio: 'inherit', detached: true })
      process.stdout.write(`left ${left.pid}\n`)
    }),
    /** Hears nothing any more. */
    blocks: action({}, () => {
      const left = spawn('sleep', ['600'])
      process.stdout.write(`left ${left.pid}\nmyself ${process.pid}\n`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
    }),
    stammers: action({}, async () => {
      for (const piece of ['one li', 'ne\n\ntwo ', 'lines\nand an', ' end']) {
        process.stdout.write(piece)
        await new Promise((resolve) => setTimeout(resolve, 30)) // So that each goes through the pipe alone.
      }
    }),
    /** Begins things and does not wait for them. */
    forgets: action({}, ({ stores }) => {
      void stores.outbox.save('a', 'late')
      void stores.outbox.tag('a', { of: 'b' })
    }),
    /** Gives up on what takes too long. */
    tires: action({}, async ({ stores }) => {
      await Promise.race([stores.outbox.list(), new Promise((resolve) => setTimeout(resolve, 20))])
      return 'went on without'
    }),
    /** Ends while the host still does something for it. */
    quits: action({}, async ({ stores }) => {
      void stores.outbox.list()
      await new Promise((resolve) => process.stdout.write('quits\n', resolve))
      process.exit(7)
    }),
    /** Logs a number, and breaks at once. */
    logsAndThrows: action({}, async ({ stores }) => {
      await stores.metadata.logMetric('loss', 1)
      throw new Error('its own reason')
    }),
    /** Says which process it is. */
    tells: action({}, () => `${process.pid}`),
    /** Leaves a timer behind. */
    lingers: action({}, () => {
      setTimeout(() => process.stdout.write('later\n'), 600_000)
      return `${process.pid}`
    }),
    /** Leaves something behind that goes on asking for things. */
    haunts: action({}, ({ stores }) => {
      void Promise.resolve().then(async () => {
        for (;;) await stores.outbox.list()
      })
      return `${process.pid}`
    }),
    /** Goes elsewhere. */
    moves: action({}, () => {
      process.chdir('/')
      return `${process.pid}`
    }),
    chats: action({}, () => {
      for (let n = 0; n < 1000; n++) process.stdout.write(`${process.pid} ${n}\n`)
      process.stderr.write('and no newline')
    }),
    reads: action({ after: ['inbox'] }, async ({ run }) => (await run.inputs.inbox[0]?.text()) ?? 'nothing'),
  }),
)
