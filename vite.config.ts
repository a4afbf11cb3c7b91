import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Removes what earlier builds left, once this one is there: a web process may be serving it meanwhile. */
const sweep = (): Plugin => ({
  name: 'sweep',
  writeBundle: async ({ dir = '' }, bundle) => {
    for (const file of await readdir(join(dir, 'assets')))
      if (!(`assets/${file}` in bundle)) await rm(join(dir, 'assets', file), { force: true })
  },
})

/** Builds the console; the web process serves it under `/console/`. */
export default defineConfig({
  root: 'src/http/console',
  base: '/console/',
  plugins: [react(), sweep()],
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    // Nothing is inlined: the page's policy allows files of this server alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2_000,
    reportCompressedSize: false,
  },
})
