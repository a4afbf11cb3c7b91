import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AskDocker } from './engine.ts'

const programs = ['sh', 'mkdir', 'chown', 'id', 'touch', 'ls', 'cat', 'sleep', 'dd', 'env', 'ip']

/** Makes an image of busybox (which must be static) and of the scripts that are given; `folder` is an empty one. */
export const makeImage = async (
  docker: AskDocker,
  { tag, folder, scripts = {} }: { tag: string; folder: string; scripts?: Readonly<Record<string, string>> },
): Promise<void> => {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'bin'), { recursive: true })
  copyFileSync(execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim(), join(root, 'bin/busybox'))
  for (const name of programs) symlinkSync('busybox', join(root, 'bin', name))
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  execFileSync('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.'])
  await docker('import', join(folder, 'image.tar'), tag)
}

/** How Compose is called on this machine: as a part of docker, or as a program of its own; undefined where it is missing. */
export const findCompose = (): readonly [string, ...string[]] | undefined =>
  ([['docker', 'compose'], ['docker-compose']] as const).find(([program, ...args]) => {
    try {
      execFileSync(program, [...args, 'version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
