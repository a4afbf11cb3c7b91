import Docker from 'dockerode'
import { Fault, reasonOf } from '#bus/fault'

/**
 * The Docker engine at an address as DOCKER_HOST has them: `unix:///path/to.sock` or `tcp://host:port`. Nothing is asked of it
 * yet. Throws where the address is neither.
 */
export const engineAt = (address: string): Docker => {
  const socket = /^unix:\/\/(\/[^\0]+)$/.exec(address)?.[1]
  if (socket) return new Docker({ socketPath: socket })
  const [, host, port] = /^tcp:\/\/([A-Za-z0-9][\w.-]*|\[[0-9a-f:]+\]):(\d{1,5})\/?$/i.exec(address) ?? []
  if (host && Number(port) <= 65_535)
    return new Docker({ host: host.replace(/^\[|\]$/g, ''), port: Number(port), protocol: 'http' })
  throw new Fault(
    'engine.address',
    `'${address}' is no address of a Docker engine: expected unix:///path/to.sock or tcp://host:port, as in DOCKER_HOST`,
  )
}

/** Where an engine listens, for people. */
const placeOf = ({ modem }: Docker): string => {
  const { socketPath, host, port } = modem as { socketPath?: string; host?: string; port?: number | string }
  return socketPath ? `unix://${socketPath}` : `tcp://${host}:${port}`
}

const absent = ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', 'ECONNRESET', 'EPIPE']

/** What an engine's API threw, in words: that none answers and how to come by one, or what it said to what was asked. */
export const engineTrouble = (doing: string, engine: Docker, thrown: unknown): Fault => {
  if (thrown instanceof Fault) return thrown
  const { code, statusCode, json } = Object(thrown) as { code?: string; statusCode?: number; json?: unknown }
  const place = placeOf(engine)
  if (code === 'EACCES')
    return new Fault(
      'engine.denied',
      `This user may not speak to the Docker engine at ${place} (to ${doing}). Add the user to the group docker, or set DOCKER_HOST to an engine of its own`,
      { cause: thrown },
    )
  if (code && absent.includes(code))
    return new Fault(
      'engine.unreachable',
      `No Docker engine answers at ${place} (${code}), to ${doing}. Start it with: systemctl start docker, or set DOCKER_HOST to where one listens`,
      { cause: thrown },
    )
  const said = (json as { message?: string } | undefined)?.message ?? reasonOf(thrown)
  const status = statusCode ? ` (${statusCode})` : ''
  return new Fault('engine.refused', `The Docker engine at ${place} could not ${doing}${status}: ${said.trim()}`, {
    cause: thrown,
  })
}
