/** Builds what the package ships: JavaScript and declarations by tsc, and the files that tsc does not know. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'

const root = join(import.meta.dirname, '..')
const at = (...path: string[]) => join(root, ...path)

rmSync(at('dist'), { recursive: true, force: true })
execFileSync(execPath, [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
cpSync(at('src/projections/migrations'), at('dist/src/projections/migrations'), { recursive: true })
execFileSync(execPath, [at('node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
  cwd: root,
  stdio: 'inherit',
})
cpSync(at('src/http/console/dist'), at('dist/console'), { recursive: true })
