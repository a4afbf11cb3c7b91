import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { argv } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

/** Eight files, a second apart: each second one starts a run. */
const folder = join(argv[2] ?? import.meta.dirname, 'registry-artifacts/raw')
await mkdir(folder, { recursive: true })
for (let i = 0; i < 8; i++) {
  await writeFile(join(folder, `word${i}.txt`), `word${i}\n`, { flag: 'wx' })
  console.log(`word${i}.txt`)
  await delay(1000)
}
