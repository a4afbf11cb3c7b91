import { writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SshMachine, sshMachine } from '../../src/agents/experiments/ssh-machine.ts'
import { processesWith, temporaryFolders } from '../processes.ts'
import { behavesLikeAMachine } from './machine-contract.ts'
import { maySsh, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal

describe.runIf(maySsh)('over ssh', () => {
  let sshd: Sshd
  let machine: SshMachine
  beforeAll(async () => {
    sshd = await startSshd()
    machine = sshMachine(sshd.settings)
  })
  afterAll(async () => {
    await machine.close()
    await sshd.stop()
  })

  behavesLikeAMachine('another machine', () => machine, newFolder)

  test('all of that went over one connection of its own', () => {
    const ports = [...sshd.log().matchAll(/Starting session: command for \S+ from \S+ port (\d+)/g)].map(
      ([, port]) => port,
    )
    const rsyncs = sshd.log().match(/Starting session: .*/g)?.length ?? 0
    expect(rsyncs).toBe(ports.length)
    const most = Math.max(
      ...Object.values(Object.groupBy(ports, (port) => String(port))).map((all) => all?.length ?? 0),
    )
    expect(most).toBeGreaterThan(40)
  })

  test('begins where the user is at home', async () => {
    expect(await machine.run(['pwd'], { signal: never })).toMatchObject({ lastWords: homedir() })
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
    expect(output.destroyed && !output.writableFinished).toBe(true)
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
})
