import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SshMachine, sshMachine } from '#agents/machines/ssh-machine'
import { processesWith, temporaryFolders } from '../processes.ts'
import { maySsh, type Sshd, startSshd } from './sshd.ts'

const newFolder = temporaryFolders()
const never = new AbortController().signal
const size = 16 << 20

describe.runIf(maySsh)('a copy over ssh', () => {
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

  /** A folder with one file that can't be made smaller, and a folder for it. */
  const large = () => {
    const [from, to] = [newFolder(), newFolder()]
    const bytes = randomBytes(size)
    writeFileSync(join(from, 'large'), bytes)
    return { from, to, bytes }
  }

  /** How many bytes a second try costs, after a first that `interrupt` ended when half of all had passed. */
  const resumed = async (
    way: 'send' | 'fetch',
    { from, to }: { readonly from: string; readonly to: string },
    interrupt: (stopping: AbortController) => void,
    code: object,
  ): Promise<number> => {
    const wireWay = way === 'send' ? 'up' : 'down'
    const stopping = new AbortController()
    const first = machine[way](from, to, { signal: stopping.signal })
    const outcome = expect(first).rejects.toMatchObject(code)
    await sshd.wire.passed(wireWay, size / 2)
    interrupt(stopping)
    await outcome
    await expect.poll(() => readdirSync(to)).toEqual(['.rsync-partial'])
    const before = sshd.wire.bytes()[wireWay]
    await machine[way](from, to, { signal: never })
    return sshd.wire.bytes()[wireWay] - before
  }

  const cutOff = { code: 'machine.connection-lost' }

  test.each(['send', 'fetch'] as const)('goes on where it was when its ssh is killed: %s', async (way) => {
    const { from, to, bytes } = large()
    const kill = () => {
      const ssh = processesWith(`${sshd.settings.knownHosts}`).filter(({ command }) => command.startsWith('ssh '))
      expect(ssh).toHaveLength(1)
      for (const { pid } of ssh) process.kill(pid, 'SIGKILL')
    }
    expect(await resumed(way, { from, to }, kill, cutOff)).toBeLessThan(0.75 * size)
    expect(readFileSync(join(to, 'large')).equals(bytes)).toBe(true)
    expect(readdirSync(to)).toEqual(['large'])
  })

  test.each(['send', 'fetch'] as const)('goes on where it was when the connection is cut: %s', async (way) => {
    const { from, to, bytes } = large()
    expect(await resumed(way, { from, to }, () => sshd.wire.cut(), cutOff)).toBeLessThan(0.75 * size)
    expect(readFileSync(join(to, 'large')).equals(bytes)).toBe(true)
  })

  test.each(['send', 'fetch'] as const)('goes on where it was when it is told to end: %s', async (way) => {
    const { from, to, bytes } = large()
    const stop = (stopping: AbortController) => stopping.abort(new Error('enough'))
    expect(await resumed(way, { from, to }, stop, { message: 'enough' })).toBeLessThan(0.75 * size)
    expect(readFileSync(join(to, 'large')).equals(bytes)).toBe(true)
  })

  test('notices that nothing comes any more', async () => {
    const { from, to } = large()
    const quick = sshMachine({ ...sshd.settings, noticedWithin: 4 })
    try {
      const first = expect(quick.send(from, to, { signal: never })).rejects.toMatchObject(cutOff)
      await sshd.wire.passed('up', size / 4)
      sshd.wire.hold()
      await first
    } finally {
      sshd.wire.release()
      sshd.wire.cut()
      await quick.close()
    }
  })

  test('sends nothing again that is there already', async () => {
    const { from, to } = large()
    await machine.send(from, to, { signal: never })
    const before = sshd.wire.bytes().up
    await machine.send(from, to, { signal: never })
    expect(sshd.wire.bytes().up - before).toBeLessThan(100_000)
  })

  test('takes over no links, pipes or devices, and nothing from outside of the folder', async () => {
    const [there, here] = [newFolder(), newFolder()]
    writeFileSync(join(there, 'result'), 'good', { mode: 0o4755 })
    symlinkSync('/etc/passwd', join(there, 'passwd'))
    symlinkSync('/etc', join(there, 'etc'))
    symlinkSync('result', join(there, 'inner'))
    execFileSync('mkfifo', [join(there, 'pipe')])
    if (process.getuid?.() === 0) execFileSync('mknod', [join(there, 'null'), 'c', '1', '3'])
    linkSync(join(there, 'result'), join(there, 'twin'))
    await machine.fetch(there, here, { signal: never })
    const kinds = readdirSync(here, { withFileTypes: true }).map((one) => [one.name, one.isFile()])
    expect(kinds).toEqual([
      ['result', true],
      ['twin', true],
    ])
    expect(execFileSync('stat', ['-c', '%a %h', join(here, 'result')], { encoding: 'utf8' })).toMatch(/^644 1\n$/)
  })

  // An ordinary user may read neither what root alone may read, nor mount a disk.
  test.runIf(process.getuid?.() === 0)(
    'says which machine has no space left, and goes on when there is some',
    async () => {
      const { from, to, bytes } = large()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', to])
      try {
        await expect(machine.send(from, to, { signal: never })).rejects.toMatchObject({
          code: 'machine.no-space',
          message: expect.stringMatching(/^There is no space left at 127\.0\.0\.1 to copy /),
        })
        await expect(machine.fetch(from, to, { signal: never })).rejects.toMatchObject({ code: 'machine.no-space' })
        execFileSync('mount', ['-o', 'remount,size=80m', to])
        await machine.send(from, to, { signal: never })
        expect(readFileSync(join(to, 'large')).equals(bytes)).toBe(true)
      } finally {
        execFileSync('umount', ['--lazy', to])
      }
    },
  )

  test('says which files could not be copied, and copies the others', async () => {
    const [from, to] = [newFolder(), newFolder()]
    for (const name of ['a', 'b']) writeFileSync(join(from, name), name)
    mkdirSync(join(to, 'a/in-the-way'), { recursive: true })
    const fault = await machine.send(from, to, { signal: never }).catch((cause: unknown) => cause)
    expect(fault).toMatchObject({
      code: 'machine.copy-failed',
      message: expect.stringMatching(/ could not copy .*: could not make way for new regular file: a\. Mend that/),
    })
    expect(readFileSync(join(to, 'b'), 'utf8')).toBe('b')
  })

  test('says that rsync is missing there', async () => {
    const programs = newFolder()
    for (const name of ['sh', 'cat', 'sleep', 'mkdir']) symlinkSync(`/bin/${name}`, join(programs, name))
    const bare = await startSshd([`SetEnv PATH=${programs}`])
    const there = sshMachine(bare.settings)
    try {
      for (const way of ['send', 'fetch'] as const)
        await expect(there[way](newFolder(), newFolder(), { signal: never })).rejects.toMatchObject({
          code: 'machine.no-program',
          message: expect.stringContaining('There is no program rsync at 127.0.0.1'),
        })
    } finally {
      await there.close()
      await bare.stop()
    }
  })
})
