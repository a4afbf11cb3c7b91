/** What tests of a user's pipelines import: `import { runOnce } from 'millrace/testing'`. */

export type { Finished, FinishedNode, Line, Logged } from './result.ts'
export { type Files, type RunOnceOptions, runOnce } from './run-once.ts'
