import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, millrace, run, stop, temporaryFolders } from '../processes.ts'
import { upIn } from './quiet.ts'

const newFolder = temporaryFolders()

test.each(['metric', 'run'])('a script whose server is away says so in one sentence: %s', async (script) => {
  const url = `127.0.0.1:${await freePort()}`
  const env = { ...process.env, NATS_URL: `nats://${url}` }
  const ts = run(process.execPath, ['--conditions=source', `examples/scripts/${script}.ts`], { env })
  expect(await ts.ended).toBe(1)
  expect(ts.output()).toBe(`No NATS server answers at nats://${url}. Start one with: millrace nats\n`)
  const state = newFolder()
  const ca = join(state, 'certs/ca.pem')
  const py = run('python3', [`examples/scripts/${script}.py`, `https://${url}`, ca])
  expect(await py.ended).toBe(1)
  expect(py.output()).toMatch(new RegExp(`^${ca} is no CA file, .*npm start.*\n$`))
  await millrace(['certs', '--state', state]).ended
  const trusting = run('python3', [`examples/scripts/${script}.py`, `https://${url}`, ca])
  expect(await trusting.ended).toBe(1)
  expect(trusting.output()).toMatch(new RegExp(`^Nobody answers at https://${url}: .*npm start.*\n$`))
})

test('a script starts a run, waits for it and fetches what it produced, in TypeScript, in shell and in Python', async () => {
  const folder = newFolder()
  const up = await upIn(folder, 'examples/file-transfer')
  const [, port] = await up.says(/NATS listens at nats:\/\/127\.0\.0\.1:(\d+)/)
  const [, web = ''] = await up.says(/(https:\/\/127\.0\.0\.1:\d+)\/runs\/root_pipeline\/0/)
  await up.says(/run root_pipeline\/0 succeeded/)
  const env = {
    ...process.env,
    NATS_URL: `nats://127.0.0.1:${port}`,
    MILLRACE: `${process.execPath} --conditions=source src/cli/main.ts`,
  }
  // At once: two of them are queued at first.
  const scripts = [
    run(process.execPath, ['--conditions=source', 'examples/scripts/run.ts'], { env }),
    run('bash', ['examples/scripts/run.sh', folder], { env }),
    run('python3', ['examples/scripts/run.py', web, join(folder, 'state/tls/ca.pem')]),
  ]
  const codes = await Promise.all(scripts.map(({ ended }) => ended))
  const [ts = '', sh = '', py = ''] = scripts.map(({ output }) => output())
  expect(codes, ts + sh + py).toEqual([0, 0, 0])
  for (const said of [ts, py])
    expect(said).toMatch(/^root_pipeline\/[123] succeeded\nmodel[123]\.txt: \d+ bytes, verified\n/)
  const [, fetched = ''] = /file: +(\S+)/.exec(sh) ?? []
  expect(readFileSync(fetched, 'utf8')).toMatch(/^model [123], trained on/)
  expect(await stop(up)).toBe(0)
}, 60_000)
