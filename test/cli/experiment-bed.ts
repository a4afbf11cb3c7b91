import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { afterAll, beforeAll, vi } from 'vitest'
import { portalConfig } from '#agents/experiments/portal-config'
import { runPortal } from '#agents/experiments/portal-host'
import { openLocal } from '#agents/local'
import { reasonOf } from '#bus/fault'
import { openBus } from '#bus/jetstream'
import { answerQueries } from '#projections/answer-queries'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { exitCode, exitCodeOf } from '../../src/cli/exit.ts'
import { experimentVerb } from '../../src/cli/experiments.ts'
import { withServer } from '../nats.ts'
import { temporaryFolders } from '../processes.ts'

const quiet = () => undefined

/** A server, a portal and whoever answers what is asked of it, for all tests of a file; no site is there. */
export const withPortalOnly = () => {
  const newFolder = temporaryFolders()
  const nats = withServer()
  const stop = new AbortController()
  let end = async (): Promise<unknown> => undefined

  beforeAll(async () => {
    const folder = newFolder()
    const [bus, web] = [
      await openBus({ url: nats().url, principal: 'portal' }),
      await openBus({ url: nats().url, principal: 'web-here' }),
    ]
    const { signal } = stop
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const config = portalConfig.parse({
      ...{ administrators: ['ada'], operators: ['olga'], projects: { rover: { members: ['carol', 'emil'] } } },
      ...{ gitHosts: ['git.example'], experiments: join(folder, 'experiments'), directories: join(folder, 'home') },
      sites: {
        north: { server: 'north', transport: 'bus', nodes: { one: { type: 'Rover', capabilities: ['lidar'] } } },
      },
    })
    const local = openLocal(join(folder, 'portal.db'))
    const about = { bus, host: 'portal', instance: 'i', version: '0', signal, local, log: quiet, ready: resolve }
    const running = runPortal(about, config, { scratch: join(folder, 'scratch') })
    await Promise.race([ready, running])
    const path = join(folder, 'metadata.db')
    const follower = await follow({ bus: web, path, projection: metadata, signal, say: quiet })
    const viewer = viewerOf(web, follower)
    const answering = answerQueries(web, viewer, [], signal)
    end = async () => {
      stop.abort()
      await Promise.all([running, follower.ended, answering])
      viewer.close()
      local.close()
      await Promise.all([bus.close(), web.close()])
    }
  }, 60_000)
  afterAll(() => end())

  /** Runs `millrace experiment …` to its end, in this process: its exit code and all that it said. */
  const say = async (...words: readonly string[]) => {
    const said: string[] = []
    const hear = (text: unknown) => said.push(String(text)) > 0
    const heard = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(hear))
    const program = new Command('millrace').exitOverride()
    experimentVerb(program)
    process.exitCode = undefined
    try {
      await program.parseAsync(['node', 'millrace', 'experiment', ...words, '--nats', nats().url])
      return { code: Number(process.exitCode ?? 0), output: said.join('') }
    } catch (cause) {
      if (cause instanceof CommanderError) return { code: exitCode.usage, output: said.join('') }
      return { code: exitCodeOf(cause), output: `${said.join('')}${reasonOf(cause)}\n` }
    } finally {
      process.exitCode = undefined
      for (const one of heard) one.mockRestore()
    }
  }
  /** What it says, which is done. */
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { code, output } = await say(...words)
    if (code !== 0) throw new Error(`millrace experiment ${words.join(' ')} ended with ${code}:\n${output}`)
    return output
  }
  return { say, ask, newFolder, url: () => nats().url }
}
