import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes the folders ahead of time; the pipelines would make them too. */
for (const folder of [
  'root-artifacts/input_artifacts/metadata_store',
  'root-artifacts/input_artifacts/haiku',
  'root-artifacts/output_artifacts/model_registry',
  'root-artifacts/output_artifacts/plots',
  'leaf-artifacts/input_artifacts/model_registry',
  'leaf-artifacts/output_artifacts/plots',
])
  await mkdir(join(import.meta.dirname, folder), { recursive: true })
