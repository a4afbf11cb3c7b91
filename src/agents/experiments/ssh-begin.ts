import type { ClientChannel } from 'ssh2'
import type { Begun } from './attend.ts'
import type { Ended } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import type { Connection } from './ssh-connection.ts'

/**
 * Begins a command line over a connection. Rejects where that is refused, or the connection breaks before there is an answer.
 * Output counts as whole where the other side has ended it, not where the connection did.
 */
export const begin = async (connection: Connection, line: string, where: string, program: string): Promise<Begun> => {
  const { client, broken } = connection
  const doing = `run ${program}`
  const channel = await opened(connection, line, where, doing)
  const { promise: exited, resolve: exit, reject: miss } = Promise.withResolvers<Omit<Ended, 'lastWords'>>()
  exited.catch(() => undefined) // Whoever attends it hears of it later.
  const lost = () => machineFaults.lost(where, doing, broken() ?? 'the other side did not say how it ended')
  let cut = false
  const cutOff = () => {
    cut = true
    miss(lost())
  }
  client.once('close', cutOff)
  channel
    .on('exit', (code: number | null, signal?: string) => exit({ code: code ?? null, killedBy: signal ?? null }))
    .once('close', () => {
      client.off('close', cutOff)
      miss(lost())
    })
    .on('error', () => undefined) // Then it closes.
  return {
    stdout: channel,
    stderr: channel.stderr,
    exited,
    whole: () => {
      if (cut) throw lost()
    },
    release: () => channel.end(),
    drop: () => {
      channel.close()
      client.off('close', cutOff)
      miss(lost())
    },
  }
}

const opened = ({ client, broken }: Connection, line: string, where: string, doing: string): Promise<ClientChannel> =>
  new Promise((resolve, reject) => {
    const refuse = (cause: Error): void => {
      client.off('close', lost)
      const why = broken()
      reject(why === undefined ? machineFaults.busy(where, cause) : machineFaults.lost(where, doing, why, cause))
    }
    const lost = () => refuse(new Error('it was closed'))
    client.once('close', lost)
    try {
      client.exec(line, (cause, channel) => {
        if (cause) return refuse(cause)
        client.off('close', lost)
        return resolve(channel)
      })
    } catch (cause) {
      refuse(cause as Error) // It had broken before.
    }
  })
