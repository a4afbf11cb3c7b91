import { expect, test } from 'vitest'
import type { StepName } from '#contracts/experiment-parts'
import { created, moveToTestbed } from '../experiments/story.ts'
import { experimentSite } from './experiment-site.ts'

const body = { project: 'rover', ...created().data, cloudLink: undefined }

/** An experiment of carol's, which is asked for things over HTTP. */
const experimentAt = async (project: string) => {
  const { send, get, portal } = await experimentSite()
  const { experiment } = (await send('carol', '/api/experiments', { ...body, project })).body
  const at = `/api/experiments/${experiment}`
  /** The status, and why it was refused if it was. */
  const status = async (who: string, verb: string, said = {}) => {
    const { status: code, body: answer } = await send(who, `${at}/${verb}`, said)
    return [code, answer.code]
  }
  /** Asks for something that is done, and gives how the experiment is then. */
  const done = async (who: string, verb: string, said = {}) => {
    const { status: code, body: answer } = await send(who, `${at}/${verb}`, said)
    expect([verb, code, answer]).toMatchObject([verb, 200, { position: expect.any(String) }])
    return (await get(who, `${at}?after=${answer.position}`)).body
  }
  const take = async (...steps: readonly StepName[]) => {
    await portal.update(experiment)
    for (const step of steps) await portal.take(experiment, step)
  }
  return { experiment, status, done, take, portal }
}

test('an administrator approves what its project asks that for', async () => {
  const { done, status } = await experimentAt('strict')
  expect(await status('carol', 'initiate')).toEqual([409, 'refused.not-approved'])
  expect(await status('olga', 'approve')).toEqual([403, 'refused.not-allowed'])
  expect(await done('ada', 'approve', { reason: 'safe' })).toMatchObject({ approval: 'given' })
  expect(await done('carol', 'initiate')).toMatchObject({ mode: 'Development' })
  expect(await status('ada', 'decline', { reason: 'too late' })).toEqual([409, expect.stringMatching(/^refused\./)])
})

test('an administrator declines it with a reason, and it is asked for anew once it has been changed', async () => {
  const { done, status } = await experimentAt('strict')
  expect(await status('ada', 'decline')).toEqual([400, 'contract.broken'])
  expect(await done('ada', 'decline', { reason: 'too close to people' })).toMatchObject({ approval: 'declined' })
  expect(await status('carol', 'initiate')).toEqual([409, 'refused.declined'])
  const source = { link: 'https://git.example/carol/farther.git' }
  expect(await done('carol', 'update', { source })).toMatchObject({ approval: 'asked', source })
})

test('its user describes it anew, and what is left out stays', async () => {
  const { done, status } = await experimentAt('rover')
  expect(await done('carol', 'update', { name: 'Dusk' })).toMatchObject({ name: 'Dusk', source: body.source })
  expect(await status('olga', 'update', { name: 'Mine' })).toEqual([403, 'refused.not-allowed'])
  expect(await status('carol', 'update', { name: '' })).toEqual([400, 'contract.broken'])
})

test('a run is cancelled, run again, submitted, and put away', async () => {
  const { done, status, take, portal, experiment } = await experimentAt('rover')
  const cloudLink = { kind: 'directory', path: 'carol' } as const
  await portal.must(experiment, 'carol', { type: 'experiment.set-cloud-link', data: { cloudLink } })
  await done('carol', 'initiate')
  await take('fetch', 'ship', 'build')
  await done('olga', 'move-to-testbed', moveToTestbed().data)
  await take('deliver')
  expect(await done('olga', 'mark-ready')).toMatchObject({ status: 'ready' })
  expect(await status('olga', 'cancel-run')).toEqual([409, 'refused.no-run'])
  await done('olga', 'run')
  expect(await status('mia', 'cancel-run')).toEqual([403, 'refused.not-allowed'])
  expect(await done('carol', 'cancel-run', { reason: 'too loud' })).toMatchObject({ run: 1, mode: 'TESTBED' })
  expect(await status('olga', 'submit')).toEqual([409, 'refused.failed'])
  expect(await done('olga', 'run')).toMatchObject({ run: 2 })
  await take('probe', 'run', 'collect')
  expect(await done('olga', 'submit')).toMatchObject({ status: 'submitted' })
  await take('pull', 'upload')
  expect(await status('emil', 'archive')).toEqual([403, 'refused.not-allowed'])
  expect(await done('carol', 'archive')).toMatchObject({ state: 'archived' })
  expect(await status('carol', 'update', { name: 'Dusk' })).toEqual([409, 'refused.archived'])
})
