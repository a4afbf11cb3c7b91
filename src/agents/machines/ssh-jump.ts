import { spawn } from 'node:child_process'
import { Duplex } from 'node:stream'

/** How much of what ssh says is kept, in characters. */
const mostWords = 500

/**
 * A connection that `ssh` makes from another machine on, by which it is reached. It fails with what ssh said, and ends with its
 * process, and its process with it.
 */
export const jump = (words: readonly string[]): Duplex => {
  const child = spawn('ssh', words, { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  const duplex = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk, encoding, done) => void child.stdin.write(chunk, encoding, done),
    final: (done) => void child.stdin.end(done),
    destroy: (cause, done) => {
      child.kill()
      done(cause)
    },
  })
  child.stdin.on('error', () => undefined) // It has ended, which says more.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-mostWords)
  })
  child.stdout.on('data', (chunk) => {
    if (!duplex.push(chunk)) child.stdout.pause()
  })
  child
    .once('error', (cause) => duplex.destroy(cause))
    .once('close', (code) => {
      if (code === 0) duplex.push(null)
      else duplex.destroy(new Error(said.trim().split('\n').at(-1)?.trim() || `ssh ended with ${code}`))
    })
  return duplex
}
