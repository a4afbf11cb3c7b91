import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '#client/connect'
import { partOfSite } from '#contracts/experiment-parts'
import { subStateOf } from '#contracts/experiment-standing'
import { startTestbed } from '../examples/experiment/testbed.ts'
import { secondsOf, until } from './measure.ts'
import type { Bench } from './report.ts'

/**
 * From the creation of an experiment to its built image, on a whole testbed; against `git clone`, `rsync`, `docker build` and
 * `docker push` of the same, in the same run. The first one finds nothing warm, and is told alone: its twin would find it so.
 */
export const develop: Bench = async ({ say }) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const testbed = await startTestbed({ folder, say })
  const client = await connect({ url: testbed.nats, principal: 'carol' })
  const docker = (...args: readonly string[]) =>
    execFileSync('docker', ['-H', testbed.engine, ...args], {
      stdio: 'pipe',
      encoding: 'utf8',
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    })
  const [tags, ids]: [string[], string[]] = [[], []]
  try {
    const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: ['north'], hours: 1 }
    const source = { link: testbed.repository }
    const ours = async () => {
      const { id, answer } = await client.experiments.create('rover', {
        name: 'Bench',
        description: '',
        source,
        resource,
      })
      ids.push(id)
      if (!answer.accepted) throw new Error(answer.detail)
      await client.experiments.order(id, 'initiate', {})
      await until(async () => {
        const { experiment } = await client.experiments.get(id)
        const { state, failed, reason } = subStateOf(experiment, partOfSite('north'))
        if (failed) throw new Error(reason)
        return state === 'built'
      })
    }
    const { host, port, user, identityFile, knownHosts } = testbed.ssh.north
    const shell = `ssh -p ${port} -i ${identityFile} -o UserKnownHostsFile=${knownHosts} -o BatchMode=yes`
    const dockerfile = join(folder, 'twin.Dockerfile')
    const raw = async (round: number) => {
      const [clone, there] = [join(folder, `clone-${round}`), join(folder, `there-${round}`)]
      execFileSync('git', ['clone', '--depth', '1', '--quiet', testbed.repository, clone])
      execFileSync('rsync', ['-az', '-e', shell, `${clone}/`, `${user}@${host}:${there}/`])
      const tag = `${testbed.images}/bench:${round}`
      tags.push(tag)
      execFileSync('sh', [
        '-c',
        'printf "FROM %s\\nRUN [\\"mkdir\\",\\"-p\\",\\"/results\\"]\\nCOPY src/ src/\\nLABEL n=%s\\n" "$1" "$2" > "$3"',
        'sh',
        testbed.image,
        String(round),
        dockerfile,
      ])
      docker('build', '--network', 'none', '--file', dockerfile, '--tag', tag, there)
      docker('push', tag)
    }
    const first = await secondsOf(ours)
    await raw(0)
    const [own, twin] = [await secondsOf(ours), await secondsOf(() => raw(1))]
    return [
      { what: 'create to built image, the first on a testbed', unit: 's', figure: first },
      { what: 'create to built image', unit: 's', figure: own, twin, ratio: own / twin },
      { what: 'create to built image, beyond the bare tools', unit: 's', figure: own - twin, aim: { atMost: 20 } },
    ]
  } finally {
    await client.close()
    const built = ids.flatMap((id) =>
      docker('images', '-q', '--filter', `label=millrace.experiment=${id}`).trim().split('\n'),
    )
    for (const image of new Set([...tags, ...built])) if (image !== '') docker('rmi', '--force', image)
    await testbed.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
