import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResourceDefinition } from '#contracts/resource'
import type { Waiting } from './api-experiments.ts'
import type { EndNode, Reservation } from './api-sites.ts'
import { orderPath, shellFor } from './experiment-order.ts'
import { endNodesQuery, reservationsQuery } from './experiment-queries.ts'
import { Order } from './order.tsx'
import { momentOf } from './text.ts'

/** Moves an experiment to the testbed, with end nodes that are chosen: those proposed first, others greyed with why. */
export const ChooseNodes = ({ wait }: { readonly wait: Waiting }) => {
  const { experiment, project, command, unmet } = wait
  const needs = wait.needs as ResourceDefinition
  const proposed = (command?.data.nodes as readonly string[] | undefined) ?? []
  const [chosen, choose] = useState<readonly string[]>()
  const [span] = useState(() => spanOf(needs.hours))
  const { data: nodes } = useQuery(endNodesQuery)
  const { data: kept } = useQuery(reservationsQuery(...span))
  const why = (node: EndNode) => objection(node, needs, project, kept?.items ?? [])
  const usable = new Set(nodes?.items.filter((node) => why(node) === undefined).map(({ part }) => part))
  const picked = (chosen ?? proposed).filter((part) => usable.has(part))
  const countAt = (site: string) => picked.filter((part) => part.startsWith(`${site}/`)).length
  const body = { nodes: picked.toSorted() }
  const take = (part: string, isTaken: boolean) =>
    choose(isTaken ? [...picked, part] : picked.filter((one) => one !== part))
  return (
    <Order
      label="Move to the testbed"
      path={orderPath(experiment, 'move-to-testbed')}
      body={body}
      isReady={picked.length > 0 && needs.sites.every((site) => [0, needs.count].includes(countAt(site)))}
      shell={shellFor(experiment, { type: 'experiment.move-to-testbed', data: body })}
    >
      <p>
        {needs.count} at each site: {[needs.nodeType, ...needs.capabilities].join(' with ')}, for {needs.hours} h. They
        are its own from then on.{needs.sites.length > 1 && ' A site without any stays as it is.'}
      </p>
      {unmet && <p className="wrong">{unmet}.</p>}
      {needs.sites.map((site) => (
        <fieldset key={site}>
          <legend>
            {site}: {countAt(site)} of {needs.count}
          </legend>
          {nodes?.items
            .filter((node) => node.site === site)
            .map((node) => (
              <label className="choice" key={node.part}>
                <input
                  type="checkbox"
                  disabled={why(node) !== undefined}
                  checked={picked.includes(node.part)}
                  onChange={({ target }) => take(node.part, target.checked)}
                />
                {node.node} <span className="quiet">{why(node) ?? node.capabilities.join(', ')}</span>
              </label>
            ))}
        </fieldset>
      ))}
    </Order>
  )
}

const spanOf = (hours: number): [from: string, until: string] => [
  new Date().toISOString(),
  new Date(Date.now() + hours * 3_600_000).toISOString(),
]

/** Why an end node can't be had; undefined where it can. */
const objection = (
  node: EndNode,
  { nodeType, capabilities }: ResourceDefinition,
  project: string,
  kept: readonly Reservation[],
): string | undefined => {
  if (node.type !== nodeType) return `is a ${node.type ?? 'node of no type'}`
  const missing = capabilities.filter((one) => !node.capabilities.includes(one))
  if (missing.length > 0) return `has no ${missing.join(', ')}`
  if (node.state === 'occupied') return `${node.occupiedBy ?? 'another experiment'} has it`
  if (node.state !== 'free') return 'is in the portal’s file no longer'
  const other = kept.find((one) => one.part === node.part && one.project !== project)
  return other && `kept for ${other.project ?? 'another project'} until ${momentOf(other.endsAt)}`
}
