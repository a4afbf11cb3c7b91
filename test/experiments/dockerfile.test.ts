import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseConfig } from '#agents/experiments/config-yaml'
import { dockerfileOf } from '#agents/experiments/dockerfile'
import { temporaryFolders } from '../processes.ts'
import { makeImage } from './busybox.ts'
import { engineForTests } from './engine.ts'

const engine = await engineForTests()
const newFolder = temporaryFolders()
const configOf = (dependencies: readonly string[]) =>
  parseConfig(Buffer.from(JSON.stringify({ device: { type: 'Rover' }, code: { dependencies } })))

test('a Dockerfile is made from the config, the same each time', () => {
  const made = dockerfileOf({ base: 'python:3.12-slim', config: configOf(['numpy>=2, <3', 'qiskit[all]']) })
  expect(made).toBe(`# Made from config.yaml, as the repository has no Dockerfile.
FROM python:3.12-slim
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp RESULTS=/results
RUN ["mkdir","-p","/results"]
RUN ["chown","65534:65534","/results"]
WORKDIR /experiment
RUN ["python3","-m","pip","install","--no-cache-dir","--no-input","numpy>=2,<3","qiskit[all]"]
COPY ["config.yaml","./"]
COPY ["src/","./src/"]
USER 65534:65534
ENTRYPOINT ["python3","src/main.py"]
`)
  expect(dockerfileOf({ base: 'python:3.12-slim', config: configOf([]) })).not.toMatch(/pip.*install/)
  const given = dockerfileOf({ base: 'python', config: configOf(['numpy']), given: ['HTTPS_PROXY', 'PIP_INDEX_URL'] })
  expect(given.match(/^ARG .*$/gm)).toEqual(['ARG PIP_INDEX_URL']) // Engines know those of a proxy themselves.
})

test.each([
  '',
  'python\nRUN id',
  'python 3',
  '$BASE',
  '--platform=x',
  'python:',
  'a@sha256:12',
  'Python AS x',
  '../x',
])('no base image is called %j', (base) => {
  expect(() => dockerfileOf({ base, config: configOf([]) })).toThrow(/is no name of an image. Correct the base image/)
})

test.each([
  'python',
  'python:3.12-slim',
  'localhost:5000/a/b:c',
  `r.example.org/python@sha256:${'a'.repeat(64)}`,
])('a base image may be called %s', (base) =>
  expect(dockerfileOf({ base, config: configOf([]) })).toContain(`\nFROM ${base}\n`))

const images = { base: `millrace-test/base:${process.pid}`, built: `millrace-test/built:${process.pid}` }

afterAll(async () => {
  for (const image of [images.built, images.base])
    await engine?.docker('image', 'rm', '--force', image).catch(() => undefined) // It may never have been made.
})

/** Stands for Python: says what it was called with, by whom, and writes a result. */
const python = 'for word; do echo "<$word>"; done\n[ "$1" = -m ] || { id -u; touch "$RESULTS/x"; ls "$RESULTS"; }'

const about = 'an engine builds it: pip is given each dependency as one word, and the code runs as nobody'
test.runIf(engine)(
  about,
  async () => {
    if (!engine) return
    const { docker } = engine
    await makeImage(docker, { tag: images.base, folder: newFolder(), scripts: { python3: python } })
    const source = newFolder()
    mkdirSync(join(source, 'src'))
    writeFileSync(join(source, 'src/main.py'), '')
    writeFileSync(join(source, 'config.yaml'), '')
    writeFileSync(join(source, 'Dockerfile'), dockerfileOf({ base: images.base, config: configOf(['numpy>=2, <3']) }))
    const said = await docker('build', '--network', 'none', '--tag', images.built, source)
    expect(said).toMatch(/<install>\n<--no-cache-dir>\n<--no-input>\n<numpy>=2,<3>\n/)
    const volume = ['--mount', 'type=volume,target=/results']
    const ran = await docker(
      'run',
      '--rm',
      '--network',
      'none',
      '--read-only',
      '--cap-drop',
      'ALL',
      ...volume,
      images.built,
    )
    expect(ran).toBe('<src/main.py>\n65534\nx')
  },
  60_000,
)
