import { execFile } from 'node:child_process'
import { env } from 'node:process'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { findEngine } from '../docker.ts'

const call = promisify(execFile)

/** Calls docker as a person would, and gives what it printed. */
export type AskDocker = (...args: readonly string[]) => Promise<string>

/** A Docker engine for the tests of a file; undefined where there can be none. In continuous integration there must be one. */
export const engineForTests = async (): Promise<{ readonly host: string; readonly docker: AskDocker } | undefined> => {
  const engine = await findEngine()
  if (!engine) {
    test.runIf(env.CI === 'true')('a Docker engine answers, or can be started', () => {
      expect(engine, 'install docker.io, or start an engine and set DOCKER_HOST').toBeDefined()
    })
    return undefined
  }
  afterAll(() => engine.stop(), 60_000)
  const docker: AskDocker = async (...args) => {
    const { stdout } = await call('docker', ['-H', engine.host, ...args], {
      ...{ env: { ...env, DOCKER_BUILDKIT: '0' }, maxBuffer: 64 * 1024 * 1024 },
      ...{ timeout: 120_000, killSignal: 'SIGKILL' },
    })
    return stdout.trim()
  }
  return { host: engine.host, docker }
}

/** Removes the containers and volumes of an experiment, whatever they do. */
export const removeAll = async (docker: AskDocker, experiment: string): Promise<void> => {
  const label = `label=millrace.experiment=${experiment}`
  const containers = await docker('ps', '-aq', '--filter', label)
  if (containers) await docker('rm', '-f', '-v', ...containers.split('\n'))
  const volumes = await docker('volume', 'ls', '-q', '--filter', label)
  if (volumes) await docker('volume', 'rm', '-f', ...volumes.split('\n'))
}
