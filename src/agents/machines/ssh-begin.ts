import type { ClientChannel } from 'ssh2'
import type { Begun } from './attend.ts'
import type { Ended } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import type { Connection } from './ssh-connection.ts'

/**
 * Begins a command line over a connection. Resolves with nothing where that had broken already, so that nothing was begun; rejects
 * where it is refused, and where the connection breaks before there is an answer: then it may have been begun.
 * Output counts as whole where the other side has ended it, not where the connection did.
 */
export const begin = async (
  connection: Connection,
  line: string,
  where: string,
  program: string,
): Promise<Begun | undefined> => {
  const { client, broken } = connection
  const doing = `run ${program}`
  const channel = await opened(connection, line, where, doing)
  if (!channel) return undefined
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

/** How ssh2 calls a program that was asked for without an answer; all else that it says means that it was not even asked for. */
const unanswered = 'Unable to exec'

const opened = async (
  { client, broken, closed }: Connection,
  line: string,
  where: string,
  doing: string,
): Promise<ClientChannel | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>()
  try {
    client.exec(line, (cause, channel) => (cause ? reject(cause) : resolve(channel)))
  } catch (cause) {
    // It had broken before, and the news of that is on its way.
    client.destroy()
    void closed.then(() => reject(cause))
  }
  return promise.catch(async (cause: Error) => {
    if (broken() === undefined) throw machineFaults.busy(where, cause)
    if (cause.message === unanswered) throw machineFaults.lost(where, doing, broken() ?? '', cause)
    await closed
    return undefined
  })
}
