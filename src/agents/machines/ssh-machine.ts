import { resolve } from 'node:path'
import { attend } from './attend.ts'
import { launched } from './launch.ts'
import { localMachine } from './local-machine.ts'
import type { CopyOptions, Ended, Machine, RunOptions } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import { placeOf } from './place-of.ts'
import { places } from './places.ts'
import { commandLine } from './quote.ts'
import { copyFolder, farSide } from './rsync.ts'
import { begin } from './ssh-begin.ts'
import type { Connection } from './ssh-connection.ts'
import { keepConnection } from './ssh-keep.ts'
import { checkSettings, type SshSettings } from './ssh-settings.ts'

/** Another machine. `close` ends its connection, and with it what runs over it; unused, that ends by itself after a while. */
export type SshMachine = Machine & { readonly close: () => Promise<void> }

/**
 * Another machine, reached over ssh as OpenSSH would reach it: the same settings serve the programs that are run and rsync. A host
 * whose key is not known is refused. One connection serves all that is run, and is made anew where it broke.
 *
 * What runs there ends when it is told to, and also when the connection does, as soon as sshd notices: at once where it is closed
 * or reset, and after sshd's ClientAliveInterval or TCP's own patience where nothing comes any more. The login shell there must
 * know `exec` and single quotes as POSIX has them.
 */
export const sshMachine = (settings: SshSettings): SshMachine => {
  checkSettings(settings)
  const name = settings.host
  const seconds = settings.noticedWithin ?? 20
  const kept = keepConnection(settings, seconds, settings.keptFor ?? 10)
  const enter = places(settings.sessions ?? 8)

  const run = async (program: readonly [string, ...string[]], options: RunOptions): Promise<Ended> => {
    const folder = placeOf(options.folder ?? '~')
    const line = commandLine(launched(program, folder))
    const leave = await enter(options.signal)
    const over = async (connection: Connection): Promise<Ended | undefined> => {
      const begun = await begin(connection, line, name, program[0])
      return begun && attend(begun, program[0], { ...options, folder }, name)
    }
    try {
      // A connection that broke while nobody used it is no reason to fail; one made just now is.
      const ended = (await kept.use(options.signal, over)) ?? (await kept.use(options.signal, over))
      if (!ended) throw machineFaults.lost(name, `run ${program[0]}`, 'it did so twice before anything began')
      return ended
    } finally {
      leave()
    }
  }

  const far = farSide(settings, seconds)
  const here = localMachine()
  return {
    name,
    run,
    close: kept.close,
    send: async (from, to, options) => {
      const [source, place] = [resolve(placeOf(from)), placeOf(to)]
      await makeFolder(run, name, place, options)
      const copy = {
        from: source,
        to: far.place(place),
        trusted: true,
        ends: [here.name, name],
        shell: far.shell,
      } as const
      await copyFolder(here.run, copy, options)
    },
    fetch: async (from, to, options) => {
      const [place, target] = [placeOf(from), resolve(placeOf(to))]
      await kept.use(options.signal, async () => undefined) // Whoever is not let in is told so in the same words.
      const copy = {
        from: far.place(place),
        to: target,
        trusted: false,
        ends: [name, here.name],
        shell: far.shell,
      } as const
      await copyFolder(here.run, copy, options)
    },
  }
}

const makeFolder = async (run: Machine['run'], name: string, place: string, { signal }: CopyOptions): Promise<void> => {
  const { code, lastWords } = await run(['mkdir', '-p', '--', place], { signal })
  if (code === 0) return
  const doing = `make the folder ${place}`
  throw /no space left/i.test(lastWords)
    ? machineFaults.noSpace(name, doing, lastWords)
    : machineFaults.copyFailed(name, doing, lastWords)
}
