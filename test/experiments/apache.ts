import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, run, stop } from '../processes.ts'

const program = '/usr/sbin/apache2'
const modules = '/usr/lib/apache2/modules'

/** Whether WebDAV can be served here; in continuous integration it must. */
export const mayServeWebDav = env.CI === 'true' || existsSync(program)

export const login = { user: 'carol', password: 'a-secret-of-tests' }

/** A real Apache that serves a folder over WebDAV at `/dav/`, for one user. */
export const startApache = async (folder: string) => {
  const port = await freePort()
  const served = join(folder, 'served')
  mkdirSync(served, { recursive: true })
  const hashed = `{SHA}${createHash('sha1').update(login.password).digest('base64')}`
  writeFileSync(join(folder, 'users'), `${login.user}:${hashed}\n`)
  const loaded = [
    'mpm_event',
    'authn_core',
    'authn_file',
    'authz_core',
    'authz_user',
    'auth_basic',
    'alias',
    'dav',
    'dav_fs',
  ]
  writeFileSync(
    join(folder, 'apache.conf'),
    `${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
ServerName 127.0.0.1
ServerRoot ${folder}
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/errors.log
User www-data
Group www-data
StartServers 1
ThreadsPerChild 8
MinSpareThreads 1
MaxSpareThreads 8
MaxRequestWorkers 8
DavLockDB ${folder}/locks
DocumentRoot ${served}
Alias /dav ${served}
LimitRequestBody 0
<Directory ${served}>
  Dav On
  AuthType Basic
  AuthName results
  AuthUserFile ${folder}/users
  Require valid-user
</Directory>
`,
  )
  // Started by root, it serves as another user.
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'www-data:www-data', folder])
  const started = run(program, ['-X', '-f', join(folder, 'apache.conf')])
  const url = `http://127.0.0.1:${port}/dav/`
  let ended = false
  void started.ended.then(() => {
    ended = true
  })
  while (!(await fetch(url).catch(() => undefined))) {
    if (ended) throw new Error(`${program} ended:\n${started.output()}`)
    await delay(20)
  }
  return { url, port, served, stop: () => stop(started) }
}

export type Apache = Awaited<ReturnType<typeof startApache>>
