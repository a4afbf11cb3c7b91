import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { Fault, reasonOf } from './fault.ts'
import { greet, type Process } from './lock.ts'

/** Where a server listens unless told otherwise: only this machine can connect. */
export const loopback = '127.0.0.1'

/** The variable by which a configuration learns the name that the server was started under. */
export const serverName = 'MILLRACE_SERVER_NAME'

/** What server.json remembers, so that a later start can find the server again. `name` is new with every start. */
export type Remembered = Process & {
  readonly port: number
  readonly host?: string
  readonly name: string
  readonly binary: string
}

/** How it is reached from this machine. */
export const urlOf = async ({ port, host }: Remembered): Promise<string> => {
  const greeting = await greet(port, reached(host))
  const isSecure = typeof greeting === 'object' && greeting.tls_required === true
  return `${isSecure ? 'tls' : 'nats'}://${placeOf({ port, host })}`
}

/** Its host and port, as an address has them. */
export const placeOf = ({ port, host }: { readonly port: number; readonly host?: string | undefined }): string =>
  `${isIPv6(reached(host)) ? `[${reached(host)}]` : reached(host)}:${port}`

/** Where a server that listens at an address is reached from this machine. */
export const reached = (host = loopback): string => (host === '0.0.0.0' || host === '::' ? loopback : host)

/** Whether only this machine can reach a server that listens at an address. */
export const isLoopback = (host: string): boolean => /^(127\.[\d.]+|::1|localhost)$/.test(host)

/** What is said to whoever would open a server to strangers. */
export const exposed = (host: string): Fault =>
  new Fault(
    'config.exposed',
    `${host} can be reached from other machines, so a server there needs TLS and credentials. Make them first, with: millrace certs`,
  )

export const remember = (home: string, server: Remembered) => {
  const draft = join(home, 'server.json.new')
  writeFileSync(draft, JSON.stringify(server))
  renameSync(draft, join(home, 'server.json'))
}

/** The server of a folder, as it was last started there: null where there is none, or a power cut left an empty file. */
export const recalled = (home: string): Remembered | null => {
  try {
    return JSON.parse(readFileSync(join(home, 'server.json'), 'utf8'))
  } catch {
    return null
  }
}

/** The same, for whoever waits anyway. */
export const recall = async (home: string): Promise<Remembered | null> => recalled(home)

/** What a server that was started lacks until it answers JetStream requests; null where nothing is missing. */
export const whatIsMissing = async ({ port, host, name }: Remembered): Promise<string | null> => {
  const greeting = await greet(port, reached(host))
  if (greeting === 'nobody') return `nothing listens on port ${port} yet`
  if (greeting === 'stranger' || greeting.server_name !== name) return `something else answers on port ${port}`
  if (!greeting.jetstream) return 'it runs without JetStream'
  if (greeting.auth_required || greeting.tls_required) return null // Its greeting has to do: we have no credentials here.
  try {
    const client = await connect({
      servers: `${reached(host)}:${port}`,
      reconnect: false,
      timeout: 2_000,
      noAsyncTraces: true,
    })
    const answer = await client.request('$JS.API.INFO', '', { timeout: 2_000 }).finally(() => client.close())
    const { error } = answer.json<{ error?: { description: string } }>()
    return error ? `JetStream answers: ${error.description}` : null
  } catch (reason) {
    return `JetStream does not answer (${reasonOf(reason)})`
  }
}
