import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, millrace, type Started } from '../processes.ts'

/** Writes a config that does nothing by itself into a folder; `more` is code that runs in every process that loads it. */
export const quietConfig = (folder: string, more = ''): string => {
  const file = join(folder, 'quiet.mjs')
  const inbox = "{ kind: 'filesystem-store', path: './inbox', watch: false }"
  writeFileSync(file, `${more}\nexport const quiet = { name: 'quiet', stores: { inbox: ${inbox} }, actions: {} }\n`)
  return file
}

/** Starts `up` on a config or a folder, with state in a folder and everything on ports of its own. */
export const upIn = async (folder: string, target: string, ...more: readonly string[]): Promise<Started> => {
  const [port, natsPort] = [String(await freePort(2)), String(await freePort())]
  const state = more.includes('--ephemeral') ? [] : ['--state', join(folder, 'state'), '--base', folder]
  return millrace(['up', target, ...state, '--port', port, '--nats-port', natsPort, ...more])
}
