import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SshMachine, sshMachine } from '#agents/machines/ssh-machine'
import { processesWith, temporaryFolders } from '../processes.ts'
import { maySsh, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

describe.runIf(maySsh)('a connection', () => {
  let sshd: Sshd
  let machine: SshMachine
  beforeAll(async () => {
    sshd = await startSshd(['MaxSessions 3'])
    machine = sshMachine(sshd.settings)
  })
  afterAll(async () => {
    await machine.close()
    await sshd.stop()
  })

  test('says that the connection broke while a program ran, ends the program, and connects anew', async () => {
    const folder = newFolder()
    const hear = (_: string, line: string) => line === 'ready' && sshd.wire.cut()
    const script = 'echo ready; sleep 1000; :'
    const run = machine.run(['sh', '-c', script, folder], { signal: never, hear: (a, b) => void hear(a, b) })
    await expect(run).rejects.toMatchObject({
      code: 'machine.connection-lost',
      message: expect.stringMatching(/^The connection to 127\.0\.0\.1 broke while it was to run sh: /),
    })
    await expect.poll(() => processesWith(folder)).toEqual([])
    expect(await machine.run(['echo', 'back'], { signal: never })).toMatchObject({ lastWords: 'back' })
  })

  test('connects anew where the connection broke while nobody used it', async () => {
    await machine.run(['true'], { signal: never })
    sshd.wire.cut()
    expect(await machine.run(['echo', 'back'], { signal: never })).toMatchObject({ lastWords: 'back' })
  })

  test('notices that nothing comes any more', async () => {
    const quick = sshMachine({ ...sshd.settings, noticedWithin: 2 })
    const hear = () => sshd.wire.hold()
    try {
      const run = quick.run(['sh', '-c', 'echo ready; sleep 1000; :', newFolder()], { signal: never, hear })
      await expect(run).rejects.toMatchObject({ code: 'machine.connection-lost' })
      await expect(quick.run(['true'], { signal: never })).rejects.toMatchObject({ code: 'machine.unreachable' })
    } finally {
      sshd.wire.release()
      sshd.wire.cut()
      await quick.close()
    }
  })

  test('never takes a stream that broke off for a whole one', async () => {
    expect(await machine.run(['true'], { signal: never })).toMatchObject({ code: 0 })
    let taken = 0
    const output = new Writable({
      write: (chunk: Buffer, _, done) => {
        taken += chunk.length
        if (taken > 1 << 20) sshd.wire.cut()
        done()
      },
    })
    const run = machine.run(['head', '-c', String(50 << 20), '/dev/zero'], { signal: never, output })
    await expect(run).rejects.toMatchObject({ code: 'machine.connection-lost' })
    expect([taken > 1 << 20, output.destroyed, output.writableFinished]).toEqual([true, true, false])
  })

  test('takes what is not given from an ssh_config, for programs and for copies', async () => {
    const folder = newFolder()
    const { settings } = sshd
    const lines = ['Host site-*', ' HostName 127.0.0.1', ` Port ${settings.port}`, ` User ${settings.user}`]
    const more = [
      ` IdentityFile ${settings.identityFile}`,
      ' IdentitiesOnly yes',
      ` UserKnownHostsFile ${settings.knownHosts}`,
    ]
    writeFileSync(join(folder, 'included'), `${[...lines, ...more].join('\n')}\n`)
    writeFileSync(join(folder, 'config'), `Include ${join(folder, 'included')}\n`)
    const named = sshMachine({ host: 'site-one', config: join(folder, 'config') })
    try {
      expect(await named.run(['echo', 'here'], { signal: never })).toMatchObject({ lastWords: 'here' })
      await named.send(folder, join(folder, 'copy'), { signal: never })
      await named.fetch(join(folder, 'copy'), join(folder, 'back'), { signal: never })
    } finally {
      await named.close()
    }
  })

  test('closes its connection when nobody has used it for a while', async () => {
    const brief = sshMachine({ ...sshd.settings, keptFor: 0.05 })
    const before = sshd.log().match(/Disconnected from user|Received disconnect/g)?.length ?? 0
    await brief.run(['true'], { signal: never })
    await expect
      .poll(() => sshd.log().match(/Disconnected from user|Received disconnect/g)?.length ?? 0)
      .toBeGreaterThan(before)
  })

  test('that lets no more programs in says so, and what to do', async () => {
    const folder = newFolder()
    const stopping = new AbortController()
    const waiting = Promise.allSettled(
      Array.from({ length: 4 }, () => {
        const script = 'until [ -e go ]; do sleep 0.1; done'
        return machine.run(['sh', '-c', script], { signal: stopping.signal, folder }).catch((cause: unknown) => {
          writeFileSync(join(folder, 'go'), '')
          throw cause
        })
      }),
    )
    const outcomes = await waiting
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'machine.busy', message: expect.stringContaining('Raise MaxSessions') },
    })
  })
})
