/**
 * A thread that ends the process of a function, and everything that it started, once the host is gone. The function's own
 * thread is told by the channel to the host, but does not hear it while it is blocked; and a signal that ends the host, as
 * SIGKILL or Ctrl-C, does not reach a process group of its own. Whoever loses its parent gets another one.
 */
import { workerData } from 'node:worker_threads'
import { signalGroup } from '../group.ts'

/** Milliseconds. */
const lookEvery = 500

setInterval(() => {
  if (process.ppid !== workerData) signalGroup(process.pid, 'SIGKILL')
}, lookEvery)
