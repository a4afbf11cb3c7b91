import { useQuery } from '@tanstack/react-query'
import type { EndNode } from './api-sites.ts'
import type { Draft } from './experiment-draft.ts'
import { endNodesQuery, sitesQuery } from './experiment-queries.ts'
import { Field } from './field.tsx'

type Props = {
  readonly draft: Draft
  readonly onDraft: (change: Partial<Draft>) => void
  readonly wrong: Readonly<Record<string, string>>
}

type Words = 'name' | 'git' | 'branch' | 'count' | 'hours'

/** What there is to say of an experiment: what it is, where its code is, and what it needs to run on. */
export const DraftFields = ({ draft, onDraft, wrong }: Props) => {
  const { data: sites } = useQuery(sitesQuery)
  const { data: found } = useQuery(endNodesQuery)
  const nodes = found?.items ?? []
  const types = [...new Set(nodes.flatMap(({ type }) => type ?? []))].toSorted()
  const words = (label: string, key: Words, hint?: string, more: object = {}) => (
    <Field label={label} wrong={wrong[key]} {...(hint !== undefined && { hint })}>
      {(control) => (
        <input {...control} {...more} value={draft[key]} onChange={({ target }) => onDraft({ [key]: target.value })} />
      )}
    </Field>
  )
  const choice = (key: 'sites' | 'capabilities', one: string, said = '') => (
    <label className="choice" key={one}>
      <input
        type="checkbox"
        checked={draft[key].includes(one)}
        onChange={({ target }) =>
          onDraft({ [key]: target.checked ? [...draft[key], one] : draft[key].filter((other) => other !== one) })
        }
      />
      {one} {said !== '' && <span className="quiet">{said}</span>}
    </label>
  )
  const capabilities = capabilitiesOf(nodes, draft)
  return (
    <>
      {words('Name', 'name', undefined, { maxLength: 200, 'data-first': true })}
      <Field label="Description" wrong={wrong.description} hint="what it is for, for whoever looks at it later">
        {(control) => (
          <textarea
            {...control}
            rows={3}
            maxLength={10_000}
            value={draft.description}
            onChange={({ target }) => onDraft({ description: target.value })}
          />
        )}
      </Field>
      {words('Git link', 'git', 'https://host/path or ssh://user@host/path', { spellCheck: false })}
      {words('Branch', 'branch', 'or a tag; what the repository begins with unless said', { spellCheck: false })}
      <Field label="Node type" wrong={wrong.nodeType}>
        {(control) => (
          <select
            {...control}
            value={draft.nodeType}
            onChange={({ target }) => onDraft({ nodeType: target.value, capabilities: [] })}
          >
            <option value="">choose one</option>
            {[...new Set([...types, ...(draft.nodeType ? [draft.nodeType] : [])])].map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        )}
      </Field>
      {capabilities.length > 0 && (
        <Field label="Capabilities" wrong={wrong.capabilities} hint="what each end node must have">
          {({ id, ...control }) => (
            <fieldset id={id} {...control} className="choices-inline">
              {capabilities.map((one) => choice('capabilities', one))}
            </fieldset>
          )}
        </Field>
      )}
      <Field label="Sites" wrong={wrong.sites}>
        {({ id, ...control }) => (
          <fieldset id={id} {...control} className="choices-inline">
            {sites?.items.map(({ site }) => choice('sites', site, countWords(nodes, site, draft)))}
          </fieldset>
        )}
      </Field>
      {words('Nodes at each site', 'count', undefined, { inputMode: 'numeric', className: 'narrow' })}
      {words('Hours', 'hours', 'how long a run may take at most: 1 to 12', {
        inputMode: 'decimal',
        className: 'narrow',
      })}
    </>
  )
}

/** What nodes of the chosen type have, and whatever has been chosen already. */
const capabilitiesOf = (nodes: readonly EndNode[], { nodeType, capabilities }: Draft): readonly string[] =>
  [
    ...new Set([
      ...nodes.filter(({ type }) => type === nodeType).flatMap((node) => node.capabilities),
      ...capabilities,
    ]),
  ].toSorted()

/** How many nodes of the chosen kind a site has. */
const countWords = (nodes: readonly EndNode[], site: string, { nodeType, capabilities }: Draft): string => {
  if (nodeType === '') return ''
  const fit = nodes.filter(
    (node) =>
      node.site === site && node.type === nodeType && capabilities.every((one) => node.capabilities.includes(one)),
  )
  return `has ${fit.length === 0 ? 'none' : fit.length}`
}
