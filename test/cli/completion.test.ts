import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../processes.ts'
import { run } from './secured.ts'

const newFolder = temporaryFolders()

test('verbs, options and their choices are offered, each with what it is for', async () => {
  const offered = async (...words: readonly string[]) => (await run('complete', '--', ...words)).output
  const [verbs, options, choices, shells] = await Promise.all([
    offered('ru'),
    offered('runs', 'rerun', '0', '--f'),
    offered('runs', 'rerun', '--definition', ''),
    offered('completion', ''),
  ])
  expect(verbs).toMatch(/^runs\tlist, show, start/)
  expect([options, choices, shells].map((text) => text.match(/^\S+/gm))).toEqual([
    ['--from', '--failed'],
    ['old', 'present'],
    ['bash', 'zsh', 'fish'],
  ])
})

test('bash takes what is offered', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'script'), (await run('completion', 'bash')).output)
  const program = join(folder, 'millrace')
  writeFileSync(program, `#!/bin/sh\nprintf '%s|' "$@" >"${folder}/asked"\nprintf 'wait\\tuntil\\nwatch\\tall\\n'\n`, {
    mode: 0o755,
  })
  const typed = `COMP_WORDS=("${program}" runs ""); COMP_CWORD=2; _millrace; printf '%s,' "\${COMPREPLY[@]}"; cat "${folder}/asked"`
  const { stdout } = await promisify(execFile)('bash', ['-c', `source "${folder}/script"; ${typed}`])
  expect(stdout).toBe('wait,watch,complete|--|runs||')
})

test('a server that says nothing does not keep anybody waiting', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  let asked = Number.POSITIVE_INFINITY // A machine that is too busy does not even ask.
  silent.once('connection', () => {
    asked = performance.now()
  })
  const nats = ['--nats', `nats://127.0.0.1:${port}`, '--state', newFolder()]
  expect(await run('complete', '--', 'runs', 'show', ...nats, '')).toEqual({ code: 0, output: '' })
  expect(performance.now() - asked).toBeLessThan(2_000) // A second of it; a busy machine takes longer to end.
  silent.close()
})
