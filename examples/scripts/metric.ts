import { connect } from 'millrace/client'

// Publishes a metric and reads it back: `after` waits until the projection has it.
const millrace = await connect({ principal: 'notebook' })
const after = await millrace.publish('root_pipeline', 'tracking.metric-logged', { key: 'drift', value: 0.25 })
const metrics = await millrace.query<{ position: string; value: number }[]>('root_pipeline', 'metrics', {
  key: 'drift',
  after,
})
console.log(metrics.find(({ position }) => position === after))
await millrace.close()
