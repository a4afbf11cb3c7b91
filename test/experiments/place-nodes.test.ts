import { describe, expect, test } from 'vitest'
import { experimentDecider } from '#agents/experiments/experiment'
import type { Policy } from '#contracts/portal'
import { builtAtBoth, far, node, resource } from './stages.ts'
import { created, initiate, moveToTestbed, policy, story } from './story.ts'

const lidar = { ...resource, capabilities: ['lidar'], sites: ['north'] }
const built = (more: object) => {
  const told = story()
    .must('carol', created({ resource: { ...resource, ...more } }))
    .must('carol', initiate)
  return told.take('fetch').take('ship').take('build')
}
/** A portal whose file says something else. */
const under = (more: Partial<Policy>) =>
  story(
    'rover-1',
    'rover',
    experimentDecider(() => ({ ...policy, ...more })),
  )

describe('a resource definition', () => {
  test.each([
    ['unknown-site', { ...resource, sites: ['east'] }, 'There is no site east. There are: north, south'],
    [
      'too-few-nodes',
      { ...resource, count: 2 },
      'south has 1 end node of type Rover, and 2 are asked for. See: millrace experiment nodes',
    ],
    [
      'too-few-nodes',
      { ...lidar, count: 2 },
      'north has 1 end node of type Rover with lidar, and 2 are asked for. See: millrace experiment nodes',
    ],
    [
      'too-few-nodes',
      { ...resource, nodeType: 'Boat' },
      'north has no end nodes of type Boat, and 1 is asked for. See: millrace experiment nodes',
    ],
  ])('is refused as %s, when it is made, changed, or begun with', (refusal, wanted, detail) => {
    const no = { accepted: false, refusal, detail }
    expect(story().ask('carol', created({ resource: wanted }))).toEqual(no)
    const told = story().must('carol', created())
    expect(told.ask('carol', { type: 'experiment.update', data: { resource: wanted } })).toEqual(no)
    expect(told.events).toHaveLength(1)
  })

  test('is looked at once more before it is begun with, as sites change', () => {
    let sites = policy.sites
    const told = story(
      'rover-1',
      'rover',
      experimentDecider(() => ({ ...policy, sites })),
    )
    told.must('carol', created())
    sites = {}
    expect(told.ask('carol', initiate)).toMatchObject({ refusal: 'unknown-site' })
  })
})

describe('end nodes', () => {
  test.each([
    ['unknown-node', () => built({ sites: ['north'] }), ['north/nine'], 'There is no end node north/nine'],
    ['wrong-node', () => built(lidar), ['north/two'], 'north/two is a Rover; a Rover with lidar is asked for'],
    [
      'wrong-count',
      () => built({ sites: ['north'] }),
      [node, 'north/two'],
      '2 end nodes of north are given; its resource definition asks for 1',
    ],
    [
      'wrong-count',
      () => built({ count: 2, sites: ['north'] }),
      [node],
      '1 end nodes of north are given; its resource definition asks for 2',
    ],
    [
      'wrong-count',
      () => built({ count: 2, sites: ['north'] }),
      [node, node],
      '1 end nodes of north are given; its resource definition asks for 2',
    ],
    ['wrong-node', () => builtAtBoth(), [node, 'south/three'], 'south/three is a Drone; a Rover is asked for'],
    ['wrong-site', () => built({ sites: ['north'] }), [far], 'rover-1 is not for south, but for north'],
  ])('are refused as %s', (refusal, make, nodes, detail) => {
    const told = make()
    const { length } = told.events
    expect(told.ask('olga', moveToTestbed(...nodes))).toEqual({ accepted: false, refusal, detail })
    expect(told.events).toHaveLength(length)
  })
})

describe('code', () => {
  const from = (link: string) => created({ source: { link } })
  const update = (link: string) => ({ type: 'experiment.update', data: { source: { link } } }) as const

  test.each([
    [
      'host-not-allowed',
      'https://elsewhere.example/a.git',
      "Code can't come from elsewhere.example. Allowed are: git.example. Others have to be in gitHosts of the portal's file",
    ],
    [
      'host-not-allowed',
      'git@elsewhere.example:a.git',
      "Code can't come from elsewhere.example. Allowed are: git.example. Others have to be in gitHosts of the portal's file",
    ],
    [
      'host-not-allowed',
      'https://git.example.evil.example/a.git',
      "Code can't come from git.example.evil.example. Allowed are: git.example. Others have to be in gitHosts of the portal's file",
    ],
    [
      'folder-not-allowed',
      'file:///srv/git/a',
      "Code can't come from /srv/git/a. Allowed are repositories below: none. Others have to be below one of gitFolders of the portal's file",
    ],
  ])('is refused as %s: %s', (refusal, link, detail) => {
    const no = { accepted: false, refusal, detail }
    expect(story().ask('carol', from(link))).toEqual(no)
    expect(story().must('carol', created()).ask('carol', update(link))).toEqual(no)
  })

  test('comes from the folders that are allowed, and not from one beside them', () => {
    for (const folder of ['/srv/git', '/srv/git/']) {
      const gitFolders = [folder]
      under({ gitFolders }).must('carol', from('file:///srv/git/a'))
      for (const link of ['file:///srv/git-other/a', 'file:///srv', 'file:///etc/a', 'file:///srv/git'])
        expect([link, under({ gitFolders }).ask('carol', from(link))]).toMatchObject([
          link,
          { refusal: 'folder-not-allowed', detail: expect.stringContaining(`below: ${folder}. `) },
        ])
    }
  })

  test('comes from any host where the file says so, and from none where it names none', () => {
    under({ gitHosts: ['*'] }).must('carol', from('https://elsewhere.example/a.git'))
    expect(under({ gitHosts: [] }).ask('carol', created())).toMatchObject({
      detail: expect.stringMatching(/Allowed are: none\./),
    })
    expect(under({ gitHosts: ['*'] }).ask('carol', from('file:///srv/git/a'))).toMatchObject({
      refusal: 'folder-not-allowed',
    })
  })

  test('is looked at once more before it is fetched, as what is allowed changes', () => {
    let gitHosts = policy.gitHosts
    const told = story(
      'rover-1',
      'rover',
      experimentDecider(() => ({ ...policy, gitHosts })),
    )
    told.must('carol', created())
    gitHosts = []
    expect(told.ask('carol', initiate)).toMatchObject({ refusal: 'host-not-allowed' })
  })
})
