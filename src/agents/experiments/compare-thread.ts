/** A thread that holds results against their manifest, and says what is wrong. */
import { parentPort, workerData } from 'node:worker_threads'
import { compareResults } from './compare-results.ts'

parentPort?.postMessage(await compareResults(workerData))
