import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AskDocker } from './engine.ts'

const name = 'millrace-test/busybox:1'

/** A program of that name on this machine that needs no libraries, as the package busybox-static has it. */
const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))

/** The name of an image that holds busybox and nothing else; made once for an engine, since none can be fetched. */
export const baseImage = async (docker: AskDocker): Promise<string> => {
  if (await docker('images', '-q', name)) return name
  if (!busybox) throw new Error('There is no busybox: install the package busybox-static')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-busybox-'))
  try {
    for (const one of ['bin', 'tmp', 'etc', 'root', 'proc', 'sys', 'dev']) mkdirSync(join(folder, one))
    copyFileSync(busybox, join(folder, 'bin/busybox'))
    for (const program of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
      if (program !== 'busybox') symlinkSync('busybox', join(folder, 'bin', program))
    const archive = join(folder, 'all.tar')
    execFileSync('tar', ['-C', folder, '--exclude', 'all.tar', '-cf', archive, '.'])
    await docker('import', '-c', 'ENV PATH=/bin', archive, name)
    return name
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
