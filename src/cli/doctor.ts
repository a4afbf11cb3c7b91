import type { Command } from 'commander'
import type { Bus, Health } from '#bus/bus'
import { connectionOf } from '#bus/connection-of'
import { Fault, reasonOf } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { isOlder } from '#bus/version'
import { clientOf } from '#client/client'
import { keepsMetadata, knownPipelines } from '#client/known'
import type { ProjectionRow } from '#client/projections'
import { examineHere, type Finding, finding, size } from './doctor-local.ts'
import { exitCode } from './exit.ts'
import type { Common } from './options.ts'
import { printRows } from './print.ts'
import { withSession } from './session.ts'

const server = ({ version, floor, storage, write }: Health): Finding[] => {
  const old = isOlder(version, floor)
  const restart = 'free some space, then restart the server: it does not come back from a full disk by itself'
  const skew = write.stored ? Math.abs(write.ahead) : 0
  return [
    finding('nats-server', old ? 'failed' : 'ok', version, `millrace needs ${floor} or newer`),
    storage
      ? finding(
          'JetStream',
          storage.limit > 0 && storage.used > 0.9 * storage.limit ? 'degraded' : 'ok',
          `${size(storage.used)} used of ${storage.limit < 0 ? 'what the disk holds' : size(storage.limit)}`,
          'raise max_file_store of the server',
        )
      : finding('JetStream', 'failed', 'no answer', restart),
    write.stored
      ? finding(
          'writing',
          write.took > 1_000 ? 'degraded' : 'ok',
          `stored in ${write.took} ms`,
          'the disk of the server is slow',
        )
      : finding('writing', 'failed', write.reason, restart),
    finding(
      'clock',
      skew > 1_000 ? 'degraded' : 'ok',
      `${Math.round(skew)} ms from the server's`,
      'set this clock: use NTP',
    ),
  ]
}

const projections = async (bus: Bus): Promise<Finding[]> => {
  const found: Finding[] = []
  const { query } = clientOf(bus)
  const status = (pipeline: string) => query<ProjectionRow>(pipeline, 'status')
  for (const graph of (await knownPipelines(bus)).values()) {
    if (!keepsMetadata(graph)) continue
    const what = `projection of ${graph.pipeline}`
    found.push(
      await status(graph.pipeline).then(
        ({ state, lag, rejected }) =>
          finding(
            what,
            state === 'halted' ? 'failed' : lag === null || lag > 1_000 || rejected > 0 ? 'degraded' : 'ok',
            `${state}, ${lag ?? 'it is not known how far'} behind, ${rejected} rejected`,
            rejected > 0
              ? 'see the rejected view: somebody wrote events that break their contract'
              : 'wait, or see millrace projections ls',
          ),
        (cause: unknown) => finding(what, 'degraded', reasonOf(cause), isAway(cause) ? '' : 'see its output'),
      ),
    )
  }
  return found
}

/** Whether nobody answers: the reason says what to start. */
const isAway = (cause: unknown): boolean => cause instanceof Fault && cause.code === 'bus.no-owner'

const onServer = async (options: Common): Promise<Finding[]> => {
  const connection = connectionOf(options)
  try {
    const bus = await openBus({ ...connection, principal: 'doctor' })
    try {
      return [...server(await bus.examine()), ...(await projections(bus))]
    } finally {
      await bus.close()
    }
  } catch (cause) {
    // The reason says what to do.
    const todo = cause instanceof Fault ? '' : 'see the log of the server'
    return [finding('server', 'failed', reasonOf(cause), todo)]
  }
}

export const doctorVerb = (program: Command): void => {
  withSession(program.command('doctor'))
    .description('examine this machine and the server: each thing ok, degraded or failed, with what to do')
    .addHelpText('after', '\nExample:\n  millrace doctor')
    .action(async (options: Common) => {
      const { url } = connectionOf(options)
      const findings = [...(await examineHere(options.state, url)), ...(await onServer(options))]
      printRows(findings, ['what', 'state', 'found', 'todo'], options.json ?? false)
      if (findings.some(({ state }) => state === 'failed')) process.exitCode = exitCode.broken
    })
}
