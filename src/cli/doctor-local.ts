import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { resolve } from 'node:path'
import { hostIn, portIn } from '#bus/credentials'
import { reasonOf } from '#bus/fault'
import { greet, listenerOn } from '#bus/lock'
import { defaultCache, lookHere } from '#bus/server-find'
import { isLoopback } from '#bus/server-place'
import { serverFloor } from '#bus/version'
import { lastPortsIn, runningIn } from './running.ts'

/** What was examined, how it stands, and what to do about it. */
export type Finding = {
  readonly what: string
  readonly state: 'ok' | 'degraded' | 'failed'
  readonly found: string
  readonly todo: string
}

export const finding = (what: string, state: Finding['state'], found: string, todo = ''): Finding => ({
  what,
  state,
  found,
  todo: state === 'ok' ? '' : todo,
})

export const size = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/** Where the console of the first config is unless told otherwise. */
const webPort = 8000

/** What this machine has, whether a server answers or not. `url` is where one is looked for. */
export const examineHere = async (state: string, url: string): Promise<readonly Finding[]> => [
  node(),
  disk(state),
  inotify(),
  await binary(),
  ...(isLoopback(hostIn(url)) ? [await natsPort(portIn(url))] : []),
  ...(await consoles(state)),
]

const node = (): Finding =>
  finding(
    'Node',
    Number(process.versions.node.split('.')[0]) >= 24 ? 'ok' : 'failed',
    process.version,
    'install Node 24 or newer',
  )

const disk = (state: string): Finding => {
  const folder = existsSync(state) ? state : '.'
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const how = free < 100 * 2 ** 20 ? 'failed' : free < 2 ** 30 ? 'degraded' : 'ok'
  return finding('disk', how, `${size(free)} free at ${resolve(folder)}`, 'free some space: a full disk stops the log')
}

const inotify = (): Finding => {
  const file = '/proc/sys/fs/inotify/max_user_watches'
  if (!existsSync(file)) return finding('inotify', 'ok', 'not used on this system')
  const watches = Number(readFileSync(file, 'utf8'))
  const todo = 'raise it: sysctl fs.inotify.max_user_watches=524288'
  return finding('inotify', watches < 8192 ? 'degraded' : 'ok', `${watches} watches`, todo)
}

/** Which nats-server would be started here, and which were passed over. */
const binary = async (): Promise<Finding> => {
  const what = 'nats-server here'
  try {
    const { fit, reasons } = await lookHere(defaultCache())
    const passed = reasons.filter((reason) => reason.includes('passed over')).join('; ')
    const used = fit ? `${fit.version} at ${fit.path}` : `none of ${serverFloor} or newer: the first start fetches one`
    return finding(what, 'ok', passed ? `${used} (${passed})` : used)
  } catch (cause) {
    return finding(what, 'failed', reasonOf(cause), 'correct MILLRACE_NATS_SERVER, or unset it')
  }
}

const natsPort = async (port: number): Promise<Finding> => {
  const [who, by] = [await greet(port), await listenerOn(port)]
  const process = by ? ` (${by.name}, process ${by.pid})` : ''
  const what = `port ${port}`
  if (who === 'nobody') return finding(what, 'ok', 'free: millrace nats or millrace up can start a server there')
  if (who === 'stranger')
    return finding(
      what,
      'degraded',
      `another program listens${process}`,
      'choose another one: up --nats-port, nats --port',
    )
  return finding(what, 'ok', `a NATS server ${who.version} listens${process}`)
}

/** The consoles of what runs with a state folder; where nothing does, the ports where they were last, or a first one would be. */
const consoles = async (state: string): Promise<readonly Finding[]> => {
  const running = await runningIn(state)
  if (running.length > 0)
    return running.map(({ pid, about = '' }) => finding('console', 'ok', `${about}, run by process ${pid}`))
  const last = lastPortsIn(state)
  return Promise.all((last.length > 0 ? last : [webPort]).map(consolePort))
}

const consolePort = async (port: number): Promise<Finding> => {
  const what = `port ${port}`
  const by = await listenerOn(port)
  const isFree = (await greet(port)) === 'nobody'
  if (isFree) return finding(what, 'ok', 'free: a console can listen there')
  const found = `another program listens${by ? ` (${by.name}, process ${by.pid})` : ''}`
  return finding(what, 'degraded', found, 'choose another one for the console: --port')
}
