import type { ArtifactEvent, By } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import { artifacts, artifactTags, edges, history, sources } from './artifact-tables.ts'
import { keyOf, type Thing } from './lineage.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'

type State = (typeof artifacts)['$inferInsert']['state']
type Content = { readonly store: string; readonly path: string; readonly digest: string; readonly size?: number | null }

/** What happens to artifacts: where they now stand, everything that ever happened, and what led to what. */
export const onArtifacts: Handlers<ArtifactEvent> = {
  'artifact.detected': (rows, event) => {
    const { change, ...content } = event.data
    lies(rows, event, content, 'fresh')
    happened(rows, event, { ...content, what: change === 'new' ? 'detected' : 'changed' })
  },

  'artifact.saved': (rows, event) => {
    const { by, ...content } = event.data
    lies(rows, event, content, 'produced', by)
    happened(rows, event, { ...content, what: 'produced' }, by)
    linkOut(rows, event, 'produced', content, by)
  },

  'artifact.used': (rows, event) => {
    const { by, ...content } = event.data
    touched(rows, event, content, 'used', by)
    happened(rows, event, { ...content, what: 'used' }, by)
    linkIn(rows, event, 'used', content, by)
  },

  'artifact.uploaded': (rows, event) => {
    const { by, from, took, ...content } = event.data
    lies(rows, event, content, 'uploaded', by)
    happened(rows, event, { ...content, what: 'uploaded', peer: from, took }, by)
    linkOut(rows, event, 'uploaded', content, by)
  },

  'artifact.downloaded': (rows, event) => {
    const { by, to, took, ...content } = event.data
    const copy = { ...content, store: to }
    touched(rows, event, content, 'downloaded', by)
    lies(rows, event, copy, 'downloaded', by)
    happened(rows, event, { ...content, what: 'downloaded', peer: to, took }, by)
    linkIn(rows, event, 'downloaded', content, by)
    linkOut(rows, event, 'downloaded', copy, by)
    if (!by) link(rows, event, 'downloaded', artifact(content), artifact(copy))
  },

  'artifact.tagged': (rows, event) => {
    const { tags, by, ...content } = event.data
    const { sequence, principal, storedAt: at } = event
    for (const [key, value] of Object.entries(tags))
      rows.add(artifactTags, { sequence, key, value, ...content, principal, at })
    happened(rows, event, { ...content, what: 'tagged', reason: JSON.stringify(tags) }, by)
  },

  'artifact.gone': (rows, event) => {
    rows.turn(artifacts, event.data, { state: 'gone', at: event.storedAt }, event.sequence)
    happened(rows, event, { ...event.data, what: 'gone' })
  },

  'artifact.source-failing': (rows, { sequence, storedAt: at, data: { store, reason } }) =>
    rows.put(sources, { store }, { reason, at }, sequence),

  'artifact.source-back': (rows, { sequence, storedAt: at, data: { store } }) =>
    rows.put(sources, { store }, { reason: null, at }, sequence),

  'artifact.unreadable': (rows, event) => happened(rows, event, { ...event.data, what: 'unreadable' }),
}

/** A run was offered what had arrived in a range of the log: of each path the newest bytes, unless they are gone. */
export const offered = (
  rows: Rows,
  event: Recorded,
  run: string,
  { store, after, upTo }: { readonly store: string; readonly after: number; readonly upTo: number },
): void => {
  const arrived = rows.all<Content & { readonly what: string }>(
    `select store, path, digest, size, what from artifact_history
     where store = ? and sequence > ? and sequence <= ? order by sequence`,
    store,
    after,
    upTo,
  )
  const newest = new Map<string, Content>()
  for (const { what, ...content } of arrived) {
    if (what === 'gone') newest.delete(content.path)
    else if (what === 'detected' || what === 'changed') newest.set(content.path, content)
  }
  for (const content of newest.values()) {
    const { path, digest } = content
    const [now] = rows.now(artifacts, { store, path })
    if (now?.digest === digest && now.state !== 'gone')
      rows.turn(artifacts, { store, path }, { state: 'offered', run, part: null, at: event.storedAt }, event.sequence)
    happened(rows, event, { ...content, what: 'offered', run })
    link(rows, event, 'offered', artifact(content), { kind: 'execution', run, part: store })
  }
}

const artifact = ({ store, path, digest }: Content): Thing => ({ kind: 'artifact', store, path, digest })

/** These bytes lie at their place now. */
const lies = (rows: Rows, { sequence, storedAt: at }: Recorded, content: Content, state: State, by?: By): void => {
  const { store, path, digest, size = null } = content
  rows.put(artifacts, { store, path }, { digest, size, state, run: by?.run, part: by?.part, at }, sequence)
}

/** Somebody read these bytes: said of the place as long as they lie there. */
const touched = (rows: Rows, event: Recorded, content: Content, state: State, by?: By): void => {
  const { store, path } = content
  const [now] = rows.now(artifacts, { store, path })
  if (!now) lies(rows, event, content, state, by)
  else if (now.digest === content.digest && now.state !== 'gone') {
    const change = { state, run: by?.run ?? null, part: by?.part ?? null }
    const same = now.state === state && now.run === change.run && now.part === change.part
    if (!same) rows.turn(artifacts, { store, path }, { ...change, at: event.storedAt }, event.sequence)
  }
}

type Happening = Omit<(typeof history)['$inferInsert'], 'sequence' | 'principal' | 'at'>

const happened = (rows: Rows, { sequence, principal, storedAt: at }: Recorded, what: Happening, by?: By): void =>
  rows.add(history, { sequence, principal, at, ...what, ...by })

type EdgeKind = (typeof edges)['$inferInsert']['kind']

const link = (rows: Rows, { sequence }: Recorded, kind: EdgeKind, source: Thing, target: Thing, by?: By): void =>
  rows.add(edges, { sequence, source: keyOf(source), target: keyOf(target), kind, ...by })

/** An execution took these bytes. */
const linkIn = (rows: Rows, event: Recorded, kind: EdgeKind, content: Content, by: By | undefined): void => {
  if (by) link(rows, event, kind, artifact(content), { kind: 'execution', run: by.run, part: by.part }, by)
}

/** An execution gave these bytes. */
const linkOut = (rows: Rows, event: Recorded, kind: EdgeKind, content: Content, by: By | undefined): void => {
  if (by) link(rows, event, kind, { kind: 'execution', run: by.run, part: by.part }, artifact(content), by)
}
