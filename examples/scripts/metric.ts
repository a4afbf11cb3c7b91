import { exit } from 'node:process'
import { connect } from 'millrace/client'

// Publishes a metric and reads it back: `after` waits until the projection has it.
const send = async (): Promise<void> => {
  const millrace = await connect({ principal: 'notebook' })
  try {
    const after = await millrace.publish('root_pipeline', 'tracking.metric-logged', { key: 'drift', value: 0.25 })
    const metrics = await millrace.query<{ position: string; value: number }[]>('root_pipeline', 'metrics', {
      key: 'drift',
      after,
    })
    console.log(metrics.find(({ position }) => position === after))
  } finally {
    await millrace.close()
  }
}

// What goes wrong is one sentence that says what to do, for example that no server answers.
await send().catch((cause: Error) => {
  console.error(cause.message)
  exit(1)
})
