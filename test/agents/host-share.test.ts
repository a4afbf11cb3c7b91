import { filesystemStore, metadataClient, metadataStore, pipeline, storeClient } from 'millrace'
import { expect, test } from 'vitest'
import { shareOf } from '#agents/pipelines/host-share'

const other = pipeline('other', { plots: filesystemStore({ path: './plots' }) }, () => ({}))

const root = pipeline(
  'root',
  {
    metadata: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true }),
    models: filesystemStore({ path: './models' }),
    plots: storeClient<typeof other>('other/plots', { path: './copies' }),
  },
  (action) => ({ train: action({ after: ['inbox'] }, () => undefined), report: action({}, () => undefined) }),
)

const leaf = pipeline('leaf', { metadata: metadataClient<typeof root>('root/metadata') }, (action) => ({
  evaluate: action({}, () => undefined),
}))

const shareNamed = (of: Parameters<typeof shareOf>[0], ...only: string[]) => {
  const { stores, actions, elsewhere, ...more } = shareOf(of, only.length > 0 ? new Set(only) : undefined)
  return { ...more, stores: Object.keys(stores), actions: Object.keys(actions), elsewhere: Object.keys(elsewhere) }
}

test('a host runs all of a pipeline unless nodes are named', () => {
  const stores = ['metadata', 'inbox', 'models', 'plots']
  const actions = ['train', 'report']
  const all = { nodes: [...stores, ...actions], stores, actions, elsewhere: [], decides: true }
  expect(shareNamed(root)).toEqual({ ...all, stores: expect.arrayContaining(stores) })
})

test('a host with the metadata store decides; one with an action alone has the clients, and stores elsewhere', () => {
  expect(shareNamed(root, 'root/metadata', 'root/inbox')).toEqual({
    ...{ nodes: ['metadata', 'inbox'], stores: ['metadata', 'inbox'], actions: [], elsewhere: [], decides: true },
  })
  expect(shareNamed(root, 'root/train', 'root/models')).toEqual({
    nodes: ['models', 'plots', 'train'],
    stores: ['models', 'plots', 'metadata'],
    actions: ['train'],
    elsewhere: ['inbox'],
    decides: false,
  })
  expect(shareNamed(root, 'root/models')).toMatchObject({ nodes: ['models'], elsewhere: [], decides: false })
})

test('a host of which no node is named has nothing; a pipeline without a metadata store is defined by whoever runs it', () => {
  expect(shareNamed(root, 'leaf/evaluate')).toMatchObject({ nodes: [], decides: false })
  expect(shareNamed(leaf, 'leaf/evaluate')).toMatchObject({ nodes: ['metadata', 'evaluate'], decides: true })
  expect(shareNamed(leaf, 'root/train')).toMatchObject({ nodes: [], decides: false })
})
