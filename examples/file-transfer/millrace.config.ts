import { dropHaiku } from './create_files.ts'

/** What `millrace up examples/file-transfer` starts. */
export const together = {
  hosts: [
    { config: './root.ts', port: 8000 },
    { config: './leaf.ts', port: 8001 },
  ],
  demonstrate: async (base: string) => `Dropped ${await dropHaiku(base)} as a demonstration`,
}
