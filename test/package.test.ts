import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from './processes.ts'

const root = join(import.meta.dirname, '..')

test('the tarball, installed in an empty folder, writes a pipeline and runs it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  npm(['pack', '--pack-destination', folder], root)
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`], folder)

  const millrace = join(folder, 'node_modules/.bin/millrace')
  execFileSync(process.execPath, [millrace, 'init'], { cwd: folder })
  writeFileSync(join(folder, 'data/inbox/note.txt'), 'a few words')
  const [port, natsPort] = [await freePort(), await freePort()]
  const up = spawn(
    process.execPath,
    [millrace, 'up', 'pipeline.ts', '--port', String(port), '--nats-port', String(natsPort)],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const done = new Promise<void>((resolve, reject) => {
    const hear = (text: Buffer) => {
      output += text
      if (/run first\/0 succeeded/.test(output)) resolve()
    }
    up.stdout.on('data', hear)
    up.stderr.on('data', hear)
    up.once('exit', (code) => reject(new Error(`up ended with ${code}:\n${output}`)))
  })
  await done
  expect(output).toContain('note.txt has 3 words')
  up.kill('SIGTERM')
  await once(up, 'exit')
}, 180_000)
