import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:https'
import { freePort } from '../test/processes.ts'
import { median, secondsOf, until } from './measure.ts'
import type { Bench } from './report.ts'

/** From `npm start` until the console's page is served, with a server that has been fetched before. */
export const start: Bench = async ({ short }) => {
  const times: number[] = []
  for (let round = 0; round < (short ? 1 : 5); round++) times.push(await startOnce())
  return [{ what: 'npm start to the first page', unit: 's', figure: median(times), aim: { atMost: 5 } }]
}

const startOnce = async (): Promise<number> => {
  const [port, natsPort] = [await freePort(2), await freePort()]
  const options = ['--ephemeral', '--port', `${port}`, '--nats-port', `${natsPort}`]
  let child: ReturnType<typeof spawn> | undefined
  const seconds = await secondsOf(async () => {
    // A group of its own, so that what npm started can be stopped with it.
    child = spawn('npm', ['start', '--silent', '--', ...options], { stdio: 'ignore', detached: true })
    await until(() => served(port))
  })
  if (child?.pid) {
    const exited = once(child, 'exit')
    process.kill(-child.pid, 'SIGTERM')
    await exited
  }
  return seconds
}

const served = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', rejectUnauthorized: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
