import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '#bus/fault'
import { resultsFolder } from '../containers/compose-file.ts'
import type { ExperimentConfig } from './config-yaml.ts'

/** Whoever runs an experiment's code in a container: nobody, as most systems know it. */
const nobody = '65534:65534'

/** Where an experiment's code lies in its image, and where it writes its results. */
const home = '/experiment'

/** What runs of a source that has no Dockerfile. */
const entry = 'src/main.py'

/** Such as `python:3.12-slim`, `registry.example.org:5000/python@sha256:…`: nothing in which Docker sees more than a name. */
const image = /^[a-z\d][\w.-]*(?::\d+)?(?:\/[a-z\d][\w.-]*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[\da-f]{64})?$/

export type DockerfileGiven = {
  /** The image that a site gives to begin with; it has Python 3, and pip where something is to be installed. */
  readonly base: string
  readonly config: Pick<ExperimentConfig, 'code'>
  /** Names of what the engine is given for this build: pip takes those that are its own. */
  readonly given?: readonly string[]
}

/**
 * The Dockerfile of a source that has none: its dependencies, then `src`, started as `src/main.py`, as nobody, with a folder
 * for results that nobody may write. The same text for the same config. Throws where `base` is no name of an image.
 */
export const dockerfileOf = ({ base, config: { code }, given = [] }: DockerfileGiven): string => {
  if (!image.test(base))
    throw new Fault(
      'site.bad-image',
      `'${base}' is no name of an image. Correct the base image in the site's configuration`,
    )
  const pip = ['python3', '-m', 'pip', 'install', '--no-cache-dir', '--no-input']
  return [
    '# Made from config.yaml, as the repository has no Dockerfile.',
    `FROM ${base}`,
    // The image of a system may keep its own Python from being changed, which is whole anyway once it is thrown away.
    'ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore',
    `ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp RESULTS=${resultsFolder}`,
    // A volume that is mounted over it takes its owner on.
    `RUN ${words('mkdir', '-p', resultsFolder)}`,
    `RUN ${words('chown', nobody, resultsFolder)}`,
    `WORKDIR ${home}`,
    ...given.filter((name) => name.startsWith('PIP_')).map((name) => `ARG ${name}`),
    ...(code.dependencies.length > 0 ? [`RUN ${words(...pip, ...code.dependencies)}`] : []),
    `COPY ${words('config.yaml', './')}`,
    `COPY ${words('src/', './src/')}`,
    `USER ${nobody}`,
    `ENTRYPOINT ${words('python3', entry)}`,
    '',
  ].join('\n')
}

/** Whether a source says how it is built, by a Dockerfile of its own. */
export const hasDockerfile = (source: string): Promise<boolean> => isFile(join(source, 'Dockerfile'))

/** Refuses a source of which nothing says what is to run. */
export const checkEntry = async (source: string): Promise<void> => {
  if ((await hasDockerfile(source)) || (await isFile(join(source, entry)))) return
  throw new Fault(
    'source.no-entry',
    `The repository has neither ${entry}, which is what runs, nor a Dockerfile, which would say what does. Put one of them there`,
  )
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** The form in which no shell takes the words apart. */
const words = (...all: readonly string[]): string => JSON.stringify(all)
