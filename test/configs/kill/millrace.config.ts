/** What the kill test starts. */
export const together = {
  hosts: [
    { config: './root.ts', port: 8000 },
    { config: './leaf.ts', port: 8001 },
  ],
}
