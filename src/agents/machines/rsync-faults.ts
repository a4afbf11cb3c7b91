import { hostname } from 'node:os'
import type { Fault } from '#bus/fault'
import type { Ended } from './machine.ts'
import { machineFaults } from './machine-faults.ts'

/** The exit codes by which rsync says that the other side is gone: of its socket, its stream, its patience, and of ssh. */
const connectionCodes = [10, 12, 30, 35, 255]

/** With this rsync ends where one of its sides can't write. */
export const cannotWrite = 11

/** How many of the files that could not be copied are named. */
const namedAtMost = 3

/** What rsync's end comes to in words, from its exit code and from what it said, oldest first. */
export const rsyncFault = (
  { code, killedBy }: Pick<Ended, 'code' | 'killedBy'>,
  complaints: readonly string[],
  [source, target]: readonly [from: string, to: string],
  doing: string,
): Fault => {
  const here = hostname()
  const there = source === here ? target : source
  // Its last words only sum up, and name a line of its source.
  const said = complaints.filter((line) => !/^rsync error:|^rsync: \[\w+\] (read|write) error: Broken pipe/.test(line))
  const find = (pattern: RegExp) => said.find((line) => pattern.test(line))
  const full = find(/No space left on device|Disk quota exceeded/)
  if (full) return machineFaults.noSpace(target, doing, full)
  if (code === 127 || find(/rsync: (command )?not found|rsync: No such file/))
    return machineFaults.noProgram(find(/^env: /) ? here : there, 'rsync')
  const noFolder = /change_dir "(.*)" failed: No such file or directory/.exec(said.join('\n'))
  if (noFolder?.[1]) return machineFaults.noFolder(source, noFolder[1])
  // It was gone before it was spoken with.
  const shut = /^ssh: connect to host .*: ([^\r]+)/.exec(find(/^ssh: connect to host /) ?? '')?.[1]
  if (shut !== undefined)
    return machineFaults.unreachable(
      there,
      undefined,
      /refused/.test(shut) ? 'nobody listens there (connection refused)' : shut.trim(),
    )
  if (code !== null && connectionCodes.includes(code))
    return machineFaults.lost(there, doing, said.slice(0, 2).join('\n'))
  if (code === 23 || code === 24) {
    const more = said.length - namedAtMost
    const files = said.slice(0, namedAtMost).join('; ')
    return machineFaults.copyFailed(here, doing, `${files}${more > 0 ? `; and ${more} more` : ''}`)
  }
  if (code === cannotWrite && said.length === 0)
    return machineFaults.copyFailed(
      here,
      doing,
      `it can't be written at ${target}, which did not say why: see whether there is space`,
    )
  const how = killedBy === null ? `rsync ended with ${code}` : `rsync was killed by ${killedBy}`
  return machineFaults.copyFailed(here, doing, [how, ...said.slice(-2)].join(', '))
}
