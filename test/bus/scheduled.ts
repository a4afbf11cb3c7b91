import type { Bus } from '#bus/bus'

/** Records that a node is to be executed, as the command of this id would have. */
export const recordScheduled = async (bus: Bus, command: string): Promise<void> => {
  const about = {
    version: 1,
    source: 'test',
    time: '',
    correlationId: command,
    causationId: command,
    principal: 'test',
  }
  const event = { ...about, id: `${command}-0`, type: 'run.node-scheduled', data: { part: 'p/a', attempt: 1 } }
  await bus.append([{ address: { aggregate: 'run', scope: 'p', key: '0' }, expectedVersion: 'any', events: [event] }])
}

/** The command that the next piece of work comes from. */
export const commandOfWork = async (bus: Bus): Promise<string> => {
  const stop = new AbortController()
  let found = ''
  await bus.take(
    'p',
    'a',
    async ({ event, done }) => {
      found = event.causationId
      await done()
      stop.abort()
    },
    { concurrency: 1, signal: stop.signal },
  )
  return found
}
