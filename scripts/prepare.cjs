// Builds the console after an install. Where only runtime dependencies are installed there is nothing to build it with.
'use strict'
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { spawnSync } = require('node:child_process')

const root = join(__dirname, '..')
const node = join(root, 'node_modules/node/bin/node')
const vite = join(root, 'node_modules/vite/bin/vite.js')
if (existsSync(vite) && existsSync(node))
  process.exitCode = spawnSync(node, [vite, 'build', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' }).status
else console.log('millrace: the console is not built, as development dependencies are not installed')
