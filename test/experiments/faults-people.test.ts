import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { StepExecution } from '#contracts/experiment-parts'
import { millrace } from '../processes.ts'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { layWire, type Wire } from './proxy.ts'
import { altered, countOf, eventually } from './seen.ts'
import { hostileLinks } from './story.ts'

const engine = await engineForTests()

/** What an operator has written: it builds with docker, pushes, and writes the Compose file. */
const script = (host: string, registry: string) => `#!/usr/bin/env python3
"""Builds, pushes, and writes docker-compose.yml: as the testbed's operators did before Millrace."""
import argparse, json, pathlib, subprocess

parser = argparse.ArgumentParser()
parser.add_argument("--pkg", required=True)
pkg = parser.parse_args().pkg
folder = pathlib.Path(__file__).parent / pkg
docker = ["docker", "-H", "${host}"]
name = "${registry}/" + pkg + ":own"
labels = {"millrace.experiment": pkg, "millrace.attempt": "1"}
subprocess.run([*docker, "build", "--quiet", "--network", "none", *[w for k, v in labels.items() for w in ("--label", k + "=" + v)], "--tag", name, str(folder)], check=True)
subprocess.run([*docker, "push", name], check=True)
image = subprocess.run([*docker, "inspect", "--format", "{{index .RepoDigests 0}}", name], check=True, capture_output=True, text=True).stdout.strip()
compose = {"services": {"experiment": {"image": image, "labels": labels, "network_mode": "none", "volumes": ["results:/results"]}}, "volumes": {"results": {"labels": labels}}}
(folder / "docker-compose.yml").write_text(json.dumps(compose))
print("built", image)
`

describe.runIf(engine)('people who use a testbed', { timeout: 240_000 }, () => {
  if (!engine) return
  let wire: Wire | undefined
  afterAll(() => wire?.stop())
  const bed = withTestbed(engine, {
    adjust: (name, file) => {
      if (name === 'south') {
        const { nodes } = file as { readonly nodes: { readonly three: { readonly container: object } } }
        const container = { ...nodes.three.container, network: 'bridge' }
        return { ...file, nodes: { ...nodes, three: { ...nodes.three, container } } }
      }
      if (name !== 'portal') return file
      const { sites } = file as { readonly sites: { readonly north: object } }
      const packageBuilder = ['./package-builder.py', '--pkg', '{id}']
      return { ...file, sites: { ...sites, north: { ...sites.north, packageBuilder } } }
    },
    route: async (name, nats) => {
      if (name !== 'south') return nats
      wire ??= await layWire(Number(new URL(nats).port))
      return `nats://127.0.0.1:${wire.port}`
    },
  })
  const answerTo = async (who: string, id: string, verb: string, data: object = {}) => {
    const answer = await (await bed.as(who)).experiments.order(id, verb as 'run', data as { sites?: string[] })
    return answer.accepted ? 'accepted' : `${answer.refusal}: ${answer.detail}`
  }

  /** What both were told who asked for the same at once: one is accepted, and the other told who was. */
  const pressed = async (id: string, verb: string, sentence: string, data: object = {}) => {
    const [olga, oleg] = await Promise.all([answerTo('olga', id, verb, data), answerTo('oleg', id, verb, data)])
    const [won, lost, winner] = olga === 'accepted' ? [olga, oleg, 'olga'] : [oleg, olga, 'oleg']
    expect([verb, won, lost]).toEqual([
      ...[verb, 'accepted'],
      expect.stringMatching(new RegExp(`^${sentence}: ${winner} has done so at \\d\\d:\\d\\d UTC$`)),
    ])
    return winner
  }

  /** What somebody is told on a command line, and how it ends. */
  const told = async (who: string, ...words: readonly string[]) => {
    const { ended, output } = millrace([...words, '--as', who, '--nats', bed.testbed().nats])
    return { code: await ended, output: output() }
  }

  test('build with a script of their own, which is told over ssh', async () => {
    const { folder } = bed.testbed()
    const { registry } = JSON.parse(readFileSync(join(folder, 'north.yaml'), 'utf8'))
    const experiments = join(folder, 'north/experiments')
    mkdirSync(experiments, { recursive: true })
    writeFileSync(join(experiments, 'package-builder.py'), script(engine.host, registry), { mode: 0o755 })
    const id = await bed.built({ sites: ['north'] })
    await bed.toTestbed(id, 'north/one')
    const { code, output } = await told('olga', 'control-module', '--exp', id)
    expect(output).toMatch(/ begins\n[\s\S]* ends\n[\s\S]*north\/one succeeded\n$/)
    expect(code).toBe(0)
    const seen = await bed.see(id)
    expect(seen.experiment.parts['north/self']?.build).toMatchObject({
      ...{ agent: 'packager', host: 'portal' },
      made: { image: expect.stringMatching(new RegExp(`^${registry}/${id}@sha256:`)) },
    })
    expect(countOf(seen, 'step-handed-over')).toEqual({})
    expect(altered(join(experiments, id, 'results/one/1-1'))).toEqual([])
    expect([bed.started(id), await bed.left(id)]).toEqual([1, []])
    await bed.order('olga', id, 'submit')
    await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self'))
  })

  test('press the same button at once: one gets what only one can have, and what both may ask happens once', async () => {
    const node = 'south/three'
    const [first, second] = await Promise.all([bed.built({}), bed.built({})])
    const move = { nodes: [node] }
    const moves = await Promise.all([
      answerTo('olga', first, 'move-to-testbed', move),
      answerTo('oleg', second, 'move-to-testbed', move),
    ])
    const [winner, loser] = moves[0] === 'accepted' ? [first, second] : [second, first]
    const mover = winner === first ? 'olga' : 'oleg'
    expect(moves.toSorted()).toEqual([
      'accepted',
      expect.stringMatching(
        `^occupied: ${node} is not free: experiment ${winner} has it, given by ${mover} at \\d\\d:\\d\\d UTC$`,
      ),
    ])
    await bed.until(winner, bed.isAt('deliver', 'succeeded', node))
    await pressed(winner, 'mark-ready', `ready: ${winner} is ready already`)
    await pressed(winner, 'run', `run-open: ${winner} is running at south already, on south/self`)
    await bed.until(winner, bed.isAt('collect', 'succeeded', node))
    const submitter = await pressed(winner, 'submit', `submitted: ${winner} is submitted already`)
    const late = await told(submitter === 'olga' ? 'oleg' : 'olga', 'experiment', 'submit', winner)
    expect(late).toEqual({ code: 3, output: expect.stringContaining(`already: ${submitter} has done so at `) })
    const { events } = await bed.until(winner, bed.isAt('upload', 'succeeded', 'south/self'))
    for (const once of ['moved-to-testbed', 'marked-ready', 'run-begun', 'submitted'])
      expect([once, events.filter(({ type }) => type === `experiment.${once}`).length]).toEqual([once, 1])
    expect(bed.started(winner)).toBe(1)
    // Once it is submitted its node is free.
    await bed.order('oleg', loser, 'move-to-testbed', move)
    await pressed(loser, 'terminate', `idle: ${loser} is terminated already`)
  })

  test('retry the same step at once: it is taken once more, and once alone', async () => {
    const id = await bed.create({ build: ['RUN sleep 1; false'] })
    await bed.order('carol', id, 'initiate')
    await bed.until(id, bed.isAt('build', 'failed', 'south/self'))
    const again = { part: 'south/self', step: 'build' }
    await pressed(id, 'retry', 'not-failed: The step build of south/self is retried already, and is scheduled', again)
    const isFailedAgain = bed.isAt('build', 'failed', 'south/self')
    const seen = await bed.until(
      id,
      (now) => isFailedAgain(now) && now.experiment.parts['south/self']?.build?.try === 2,
    )
    expect(seen.events.filter(({ type }) => type === 'experiment.step-retried')).toHaveLength(1)
    expect(await told('olga', 'package-builder', '--pkg', id)).toEqual({
      ...{
        code: 6,
        output: expect.stringMatching(/RUN sleep 1; false[\s\S]*\nThe build of \S+ at south failed: .+\n$/),
      },
    })
    await bed.order('carol', id, 'terminate')
  })

  test('give a link that git would take for something else: it is refused with a sentence', async () => {
    const { folder } = bed.testbed()
    const resource = join(folder, 'hostile.yaml')
    writeFileSync(resource, 'nodeType: Rover\ncapabilities: []\ncount: 1\nsites: [south]\nhours: 1\n')
    for (const link of hostileLinks) {
      const about = ['--project', 'rover', '--name', 'x', `--git=${link}`, '--resource', resource]
      const { code, output } = await told('carol', 'experiment', 'create', ...about, '--json')
      expect([link, code, output]).toEqual([
        ...[link, link === 'file:///etc' ? 3 : 2],
        expect.stringMatching(/expected https:|Code can't come from/),
      ])
      expect([link, output]).toEqual([link, expect.not.stringContaining('    at ')])
      await expect(bed.create({ link })).rejects.toThrow(/expected|Code can't come from/)
    }
  })

  test('terminate what is being built, and begin anew: what is said of the first attempt changes nothing', async () => {
    const id = await bed.create({ build: ['RUN sleep 2'] })
    await bed.order('carol', id, 'initiate')
    const { experiment } = await bed.until(
      id,
      ({ experiment }) => experiment.parts['south/self']?.build?.phase === 'building',
    )
    const { agent, delivery, instance } = experiment.parts['south/self']?.build ?? {}
    await bed.order('carol', id, 'terminate', { reason: 'wrong branch' })
    await bed.order('carol', id, 'initiate')
    const seen = await bed.until(id, bed.isBuilt)
    expect([seen.experiment.attempt, seen.experiment.parts['south/self']?.build?.try]).toEqual([2, 1])
    const old = { part: 'south/self', step: 'build', agent, attempt: 1, try: 1, delivery, instance } as StepExecution
    const made = seen.experiment.parts['south/self']?.build?.made
    await bed.order('south', id, 'report-step', { ...old, result: { outcome: 'succeeded', made } })
    const after = await bed.see(id)
    expect(after.events.at(-1)).toMatchObject({
      type: 'experiment.report-ignored',
      data: { attempt: 1, reported: 'succeeded', reason: 'It is at attempt 2; attempt 1 was terminated' },
    })
    expect({ ...after.experiment, ignored: [] }).toEqual({ ...seen.experiment, ignored: [] })
    await bed.order('carol', id, 'terminate')
    await eventually(async () => (await bed.left(id)).length === 0, 'the engine keeps nothing of either')
  })

  test('terminate a build: it is stopped in the engine, and what ends before its site server hears of it is ignored', async () => {
    const code = bed.newRepository({ build: ['RUN sleep 333'] })
    const id = await bed.create({ link: code.link })
    const builds = async () =>
      (await engine.docker('ps', '--no-trunc', '--format', '{{.Command}}')).includes('sleep 333')
    await bed.order('carol', id, 'initiate')
    await eventually(builds, 'it is being built')
    await bed.order('carol', id, 'terminate', { reason: 'it hangs' })
    await eventually(async () => !(await builds()), 'its build is stopped', 20_000)
    expect(await bed.left(id)).toEqual([])
    code.write({ Dockerfile: readFileSync(join(code.folder, 'Dockerfile'), 'utf8').replace('sleep 333', 'sleep 2') })
    code.commit()
    await bed.order('carol', id, 'initiate')
    await bed.until(
      id,
      ({ experiment: { attempt, parts } }) => attempt === 2 && parts['south/self']?.build?.phase === 'building',
    )
    wire?.hold()
    const compose = join(bed.testbed().folder, 'south/experiments', id, 'docker-compose.yml')
    await eventually(() => existsSync(compose), 'it is built, and nobody hears of it')
    await bed.order('carol', id, 'terminate', { reason: 'wrong branch' })
    await bed.order('carol', id, 'initiate')
    wire?.release()
    const { experiment, events } = await bed.until(id, bed.isBuilt)
    expect([experiment.attempt, experiment.parts['south/self']?.build?.try]).toEqual([3, 1])
    // It hears of it by its report, or by a sign of life that was on its way before: then it makes none.
    const ignored = events.filter(({ type }) => type === 'experiment.report-ignored')
    expect(ignored).toEqual(
      ignored.map(() =>
        expect.objectContaining({
          principal: 'south',
          data: expect.objectContaining({
            ...{ part: 'south/self', step: 'build', attempt: 2, reported: 'succeeded' },
            reason: expect.stringContaining('attempt 2 was terminated'),
          }),
        }),
      ),
    )
    await bed.order('carol', id, 'terminate')
  })

  test('cancel a run: it is stopped, what it left by then is collected, and the engine is clean', async () => {
    const node = 'south/three'
    bed.sense('three', 'wait')
    const id = await bed.running({ script: untilTold }, node)
    await bed.until(id, ({ experiment }) => experiment.parts[node]?.run?.phase === 'running')
    expect(await engine.docker('network', 'ls', '-q', '--filter', `label=millrace.experiment=${id}`)).not.toBe('')
    await bed.order('carol', id, 'cancel-run', { reason: 'too loud' })
    const seen = await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect(seen.experiment.parts[node]?.run).toMatchObject({
      ...{ state: 'cancelled', try: 1, results: { files: 1, partial: true } },
      reason: expect.stringContaining('too loud'),
    })
    expect([bed.started(id), await bed.left(id)]).toEqual([1, []])
    expect(altered(join(bed.testbed().folder, 'south/experiments', id, 'results/three/1-1'))).toEqual([])
    expect(await answerTo('olga', id, 'submit')).toMatch(/^failed: .*accept its partial results/)
    await bed.order('olga', id, 'submit', { acceptPartial: true })
    await bed.until(id, bed.isAt('upload', 'succeeded', 'south/self'))
  })
})
