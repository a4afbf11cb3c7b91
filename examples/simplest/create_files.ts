import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Ten files, 1.5 s apart: each starts a run. */
const folder = join(import.meta.dirname, 'testing_artifacts/data_store')
await mkdir(folder, { recursive: true })
for (let i = 0; i < 10; i++) {
  await writeFile(join(folder, `test_file${i}.txt`), `test file ${i}`)
  console.log(`test_file${i}.txt`)
  await delay(1500)
}
