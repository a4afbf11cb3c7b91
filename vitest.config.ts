import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Compiled once, as by bin/millrace.cjs: every process that a test starts begins in half the time.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/millrace/compiled')

const conditions = ['source', 'node', 'import', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/matching.ts', 'test/watchdog.ts'],
    maxWorkers: 3,
    // A busy machine makes a wait longer, not a test wrong.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
