import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, millrace, run, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()

test('a script whose server is away says so in one sentence, in TypeScript and in Python', async () => {
  const url = `127.0.0.1:${await freePort()}`
  const env = { ...process.env, NATS_URL: `nats://${url}` }
  const ts = run(process.execPath, ['--conditions=source', 'examples/scripts/metric.ts'], { env })
  expect(await ts.ended).toBe(1)
  expect(ts.output()).toBe(`No NATS server answers at nats://${url}. Start one with: millrace nats\n`)
  const state = newFolder()
  const ca = join(state, 'certs/ca.pem')
  const py = run('python3', ['examples/scripts/metric.py', `https://${url}`, ca])
  expect(await py.ended).toBe(1)
  expect(py.output()).toMatch(new RegExp(`^${ca} is no CA file, .*npm start.*\n$`))
  await millrace(['certs', '--state', state]).ended
  const trusting = run('python3', ['examples/scripts/metric.py', `https://${url}`, ca])
  expect(await trusting.ended).toBe(1)
  expect(trusting.output()).toMatch(new RegExp(`^Nobody answers at https://${url}: .*npm start.*\n$`))
})
