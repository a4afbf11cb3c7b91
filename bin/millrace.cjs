#!/usr/bin/env node
// Any Node can read this file. It goes on with Node 24 or newer: this one, or the one the `node` package brings.
'use strict'
var fs = require('fs')
var path = require('path')

var root = path.join(__dirname, '..')
var fromSource = fs.existsSync(path.join(root, 'src', 'cli', 'main.ts')) && root.indexOf('node_modules') === -1
var main = path.join(root, fromSource ? 'src/cli/main.ts' : 'dist/src/cli/main.js')
var flags = fromSource ? ['--conditions=source'] : []

var bundledNode = function () {
  try {
    var home = path.dirname(require.resolve('node/package.json', { paths: [root] }))
    var file = path.join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return fs.existsSync(file) ? file : undefined
  } catch (_) {
    return undefined
  }
}

var major = Number(process.versions.node.split('.')[0])
var node = major >= 24 ? process.execPath : bundledNode()
if (!node) {
  console.error(
    'millrace needs Node 24 or newer; this is ' + process.version + '. Install it, or run: npm install node@24',
  )
  process.exit(1)
}

var isOurs = (folder) => !process.geteuid || fs.statSync(folder).uid === process.geteuid()

/** Where compiled code is kept: a folder of this user alone, for what lies there is executed; undefined where none can be. */
var compiledFolder = () => {
  try {
    var parts = ['compiled']
    var base = process.env.MILLRACE_CACHE
    if (!base) {
      parts.unshift('millrace')
      base = process.env.XDG_CACHE_HOME
    }
    if (!base) {
      parts.unshift('.cache')
      base = require('os').homedir()
    }
    if (!path.isAbsolute(base) || !isOurs(base)) return undefined
    return parts.reduce((folder, part) => {
      var next = path.join(folder, part)
      if (!fs.existsSync(next)) fs.mkdirSync(next)
      if (!isOurs(next)) throw new Error(next)
      return next
    }, base)
  } catch (_) {
    return undefined // Without it, processes begin more slowly.
  }
}

// Compiled once: every process of Millrace begins in half the time.
var compiled = process.env.NODE_COMPILE_CACHE || compiledFolder()
if (compiled) process.env.NODE_COMPILE_CACHE = compiled

var args = flags.concat([main], process.argv.slice(2))
if (typeof process.execve === 'function') process.execve(node, [node].concat(args), process.env)

var child = require('child_process').spawn(node, args, { stdio: 'inherit' })
;['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
  process.on(signal, () => {
    child.kill(signal)
  })
})
child.on('exit', (code, signal) => {
  process.exit(signal ? 128 + require('os').constants.signals[signal] : code)
})
