import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Fault, reasonOf } from '#bus/fault'

/** The file that says of which attempt the code beside it is. */
export const markFile = '.millrace-experiment.json'

const shape = z.object({ experiment: z.string(), attempt: z.int(), commit: z.string() })
type Mark = z.infer<typeof shape>

/** Says of which attempt the code in a folder is. */
export const markAttempt = async (folder: string, mark: Mark): Promise<void> => {
  const path = join(folder, markFile)
  await writeFile(`${path}.draft`, `${JSON.stringify(mark)}\n`)
  await rename(`${path}.draft`, path)
}

/** Refuses code that is not of this attempt: what was brought there before, or only half of it. */
export const checkAttempt = async (folder: string, { experiment, attempt, commit }: Mark): Promise<void> => {
  const found = await readFile(join(folder, markFile), 'utf8').then(
    (text) => shape.parse(JSON.parse(text)),
    (cause: unknown) => (Object(cause).code === 'ENOENT' ? '' : `: ${reasonOf(cause)}`),
  )
  if (typeof found === 'string')
    throw new Fault(
      'site.no-source',
      `There is no code of ${experiment} in ${folder}${found}. See that 'experiments' of the site's file is the folder which the portal's file has for this site, and retry the step ship`,
    )
  if (found.experiment !== experiment || found.attempt !== attempt || found.commit !== commit)
    throw new Fault(
      'site.other-source',
      `${folder} holds attempt ${found.attempt} of ${found.experiment}, commit ${found.commit}; asked for is attempt ${attempt} of ${experiment}, commit ${commit}. Retry the step ship`,
    )
}
