import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openBus } from '#bus/jetstream'
import { postFact } from '#bus/post'
import { knownPipelines } from '#client/known'
import { servicesOf } from '#contracts/subjects'
import { openPatiently } from '../../src/cli/connect.ts'
import { stopped } from '../../src/cli/signals.ts'
import { withServer } from '../nats.ts'
import { freePort, millrace, processesWith, processWith, run, temporaryFolders } from '../processes.ts'
import { quietConfig, upIn } from './quiet.ts'

const newFolder = temporaryFolders()
const nowhere = async () => `nats://127.0.0.1:${await freePort()}`

describe('up', { timeout: 60_000 }, () => {
  test('ends with the reason, and leaves nothing, when the demonstration fails', async () => {
    const folder = newFolder()
    quietConfig(folder)
    const hosts = `[{ config: './quiet.mjs', port: ${await freePort()} }]`
    const fails = "async () => { throw new Error('Nothing to demonstrate today') }"
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      join(folder, 'millrace.config.ts'),
      `export const together = { hosts: ${hosts}, demonstrate: ${fails} }`,
    )
    const up = await upIn(folder, folder)
    expect(await up.ended).toBe(1)
    expect(up.output()).toMatch(/\nNothing to demonstrate today\n/)
    expect(up.output()).toMatch(/\nEverything is stopped, as it could not go on\. The reason:\n/)
    expect(processesWith(folder)).toEqual([])
  })

  test('stops everything when its terminal is closed, and shows what its children say as they say it', async () => {
    const folder = newFolder()
    const up = await upIn(folder, quietConfig(folder, "console.error('mind the gap')"))
    await up.says(/Ctrl-C stops/)
    await up.says(/^mind the gap$[\s\S]*^mind the gap$/m) // It comes by another pipe: not always before what was said later.
    expect(up.output().match(/^mind the gap$/gm)).toHaveLength(2)
    up.child.kill('SIGHUP')
    expect(await up.ended).toBe(0)
    expect(processesWith(folder)).toEqual([])
  })

  test('--ephemeral leaves neither folder nor server after a second Ctrl-C', async () => {
    const folder = newFolder()
    const up = await upIn(folder, quietConfig(folder), '--ephemeral', '--host', '::1')
    const [, at] = await up.says(/(https:\/\/\S+)\nCtrl-C stops/)
    expect(at).toMatch(/^https:\/\/\[::1\]:\d+$/)
    const web = processWith(folder, ' web ')
    const [, temporary = ''] = / --base (\S+)/.exec(web.command) ?? []
    expect(existsSync(join(temporary, 'nats'))).toBe(true)
    process.kill(web.pid, 'SIGSTOP') // It does not end by itself: there is time for a second signal.
    up.child.kill('SIGINT')
    await up.says(/Stopping/)
    await new Promise((resolve) => setTimeout(resolve, 350)) // Two signals within a moment are one: see signals.ts.
    up.child.kill('SIGINT')
    expect(await up.ended).toBe(130)
    await vi.waitFor(() => expect(processesWith(temporary)).toEqual([]), 20_000)
    expect(existsSync(temporary)).toBe(false)
  })
})

test('whoever waits for a server says so, and ends on a signal', async () => {
  const folder = newFolder()
  const args = ['web', quietConfig(folder), '--nats', await nowhere(), '--state', folder]
  const web = millrace([...args, '--port', String(await freePort())])
  await web.says(/Waiting for a NATS server at/)
  web.child.kill('SIGTERM')
  expect(await web.ended).toBe(130)
})

test('whoever was told to stop before does not wait for a server at all', async () => {
  const options = { url: await nowhere(), principal: 'nobody' }
  await expect(openPatiently(options, AbortSignal.abort(stopped), () => undefined)).rejects.toBe(stopped)
})

test('a child that a signal killed gives the exit code of that signal', async () => {
  const code = "process.execve = undefined; require('./bin/millrace.cjs')"
  const url = await nowhere()
  const wrapper = run(process.execPath, ['-e', code, 'millrace', 'tail', '--nats', url])
  await wrapper.says(/Waiting for a NATS server/)
  process.kill(processWith(`tail --nats ${url}`, '--conditions').pid, 'SIGKILL')
  expect(await wrapper.ended).toBe(128 + 9)
})

describe('on a server', { timeout: 60_000 }, () => {
  const nats = withServer()

  test('a log with events but without a pipeline has none, and that is known at once', async () => {
    const bus = await openBus({ url: nats().url, principal: 'script' })
    for (let value = 0; value < 3; value++)
      await postFact(bus, { scope: 'quiet', type: 'tracking.metric-logged', data: { key: 'loss', value } })
    const began = performance.now()
    expect(await knownPipelines(bus)).toEqual(new Map())
    expect(performance.now() - began).toBeLessThan(4_000)
    await expect(knownPipelines(bus, 0)).rejects.toMatchObject({ code: 'bus.timeout' })
    await bus.close()
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('a verb that waits for an answer ends on %s', async (signal) => {
    const bus = await openBus({ url: nats().url, principal: 'slow' })
    const [asked, done] = [Promise.withResolvers<void>(), new AbortController()]
    const answering = bus.serve(
      servicesOf('quiet', 'inbox'),
      () => {
        asked.resolve()
        return once(done.signal, 'abort')
      },
      done.signal,
    )
    const verb = millrace([
      'artifacts',
      'get',
      'quiet/inbox',
      'a.txt',
      '--out',
      join(newFolder(), 'a.txt'),
      '--nats',
      nats().url,
    ])
    await asked.promise
    verb.child.kill(signal)
    expect(await verb.ended).toBe(130)
    done.abort()
    await answering
    await bus.close()
  })

  test('a reader that has gone ends a verb without a word', async () => {
    const args = ['--conditions=source', 'src/cli/main.ts', 'tail', '--from', 'start', '--once', '--nats', nats().url]
    const tail = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    tail.stdout.destroy()
    let said = ''
    tail.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    expect([await once(tail, 'close'), said]).toEqual([[0, null], ''])
  })

  test('a position of another log, or behind the end, is none to begin at', async () => {
    for (const from of ['other.1', '999']) {
      const tail = millrace(['tail', '--from', from, '--nats', nats().url])
      expect(await tail.ended).toBe(2)
      expect(tail.output()).toMatch(new RegExp(`^${from} is no position of the log`))
    }
  })
})
