import { homedir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SshMachine, sshMachine } from '#agents/machines/ssh-machine'
import { temporaryFolders } from '../processes.ts'
import { copiesLikeAMachine } from './copy-contract.ts'
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
  copiesLikeAMachine('another machine', () => machine, newFolder)

  test('all of that went over one connection of its own', () => {
    const ports = [...sshd.log().matchAll(/Starting session: command for \S+ from \S+ port (\d+)/g)].map(
      ([, port]) => port,
    )
    const rsyncs = sshd.log().match(/Starting session: .*/g)?.length ?? 0
    expect(rsyncs).toBe(ports.length)
    const most = Math.max(
      ...Object.values(Object.groupBy(ports, (port) => String(port))).map((all) => all?.length ?? 0),
    )
    expect(most).toBeGreaterThan(30)
  })

  test('begins where the user is at home', async () => {
    expect(await machine.run(['pwd'], { signal: never })).toMatchObject({ lastWords: homedir() })
  })
})
