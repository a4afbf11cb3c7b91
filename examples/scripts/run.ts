import { exit } from 'node:process'
import { connect } from 'millrace'

// Logs a metric, starts a run, waits for it and fetches what it produced.
const tell = async (): Promise<void> => {
  const millrace = await connect({ principal: 'notebook' })
  try {
    await millrace.metrics.log('drift', 0.25, { pipeline: 'root_pipeline' })

    // One run at a time: while another is under way, ours is queued, and this waits for its number.
    const message = 'from TypeScript'
    const asked = await millrace.runs.start({ pipeline: 'root_pipeline', message, signal: AbortSignal.timeout(60_000) })
    if (!asked.accepted) throw new Error(`The run was refused: ${asked.detail}`)
    if (!asked.run) throw new Error('The run is still queued: millrace requests ls')

    const { run, state } = await millrace.runs.wait(asked.run)
    console.log(`${run} ${state}`)

    const { items } = await millrace.artifacts.history({ run, what: 'produced' })
    for (const { store, path } of items) {
      const bytes = await millrace.artifacts.get(store, path)
      console.log(`${path}: ${bytes.length} bytes, verified`)
    }
  } finally {
    await millrace.close()
  }
}

// What goes wrong is one sentence that says what to do, for example that no server answers.
await tell().catch((cause: Error) => {
  console.error(cause.message)
  exit(1)
})
