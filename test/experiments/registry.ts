import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, run, type Started, stop } from '../processes.ts'

const program = ['/usr/bin/docker-registry', '/usr/local/bin/docker-registry'].find((path) => existsSync(path))

/** Whether there is a registry to start; in continuous integration there must be. */
export const mayServeImages = env.CI === 'true' || program !== undefined

export type Registry = {
  /** `host:port`, as in the names of images. */
  readonly address: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** A real registry on a free port that keeps its images in a folder; it is not started yet. */
export const registryIn = async (folder: string): Promise<Registry> => {
  if (!program) throw new Error('There is no docker-registry: install the package of this name')
  const address = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'registry.yml')
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'images') } },
      http: { addr: address },
    }),
  )
  let started: Started | undefined
  return {
    address,
    start: async () => {
      started = run(program, ['serve', config], { env: { ...env, OTEL_TRACES_EXPORTER: 'none' } })
      while (!(await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok) {
        if (started.child.exitCode !== null) throw new Error(`${program} ended:\n${started.output()}`)
        await delay(20)
      }
    },
    stop: async () => {
      if (started) await stop(started)
      started = undefined
    },
  }
}
