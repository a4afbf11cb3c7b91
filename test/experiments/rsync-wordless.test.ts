import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Machine } from '#agents/machines/machine'
import { copyFolder } from '#agents/machines/rsync'
import { rsyncFault } from '#agents/machines/rsync-faults'
import { temporaryFolders } from '../processes.ts'
import { plainMachine } from './plain-machine.ts'

const newFolder = temporaryFolders()
const { signal } = new AbortController()

/** Runs programs, but of the first so many nothing is heard: about one in ten of rsync over ssh ends so on a busy machine. */
const deafTo = (wordless: number) => {
  const ended: (number | null)[] = []
  const run: Machine['run'] = async (program, options) => {
    const { hear, ...others } = options
    const end = await plainMachine().run(program, ended.length < wordless ? others : options)
    ended.push(end.code)
    return end
  }
  return { run, ended }
}

describe.runIf(userInfo().uid === 0)('a copy to a full disk', () => {
  /** A folder on a small disk of its own, and one that does not fit. */
  const withDisk = async (use: (from: string, to: string) => Promise<void>): Promise<void> => {
    const [from, to] = [newFolder(), newFolder()]
    writeFileSync(join(from, 'large'), randomBytes(2_000_000))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', to])
    try {
      await use(from, to)
    } finally {
      execFileSync('umount', [to])
    }
  }
  const copy = (run: Machine['run'], from: string, to: string) =>
    copyFolder(run, { from, to, trusted: true, ends: ['here', 'there'] }, { signal })

  test('says so, though the other side’s words are lost at first', () =>
    withDisk(async (from, to) => {
      const { run, ended } = deafTo(2)
      await expect(copy(run, from, to)).rejects.toThrow(/no space left at there/)
      expect(ended).toEqual([11, 11, 11])
    }))

  test('is given up where they always are, and says where to look', () =>
    withDisk(async (from, to) => {
      const { run, ended } = deafTo(10)
      await expect(copy(run, from, to)).rejects.toThrow(/can't be written at there.*whether there is space/)
      expect(ended).toEqual([11, 11, 11, 11])
    }))
})

test('a machine that nobody listens on any longer is said to be so', () => {
  const said = [
    'ssh: connect to host 127.0.0.1 port 44421: Connection refused\r',
    'rsync: connection unexpectedly closed',
  ]
  const fault = rsyncFault({ code: 255, killedBy: null }, said, [hostname(), '127.0.0.1'], 'copy a to b')
  expect(fault).toMatchObject({ code: 'machine.unreachable', message: /127\.0\.0\.1 .*nobody listens there/ })
})
