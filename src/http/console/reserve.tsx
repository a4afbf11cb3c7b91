import { useState } from 'react'
import type { EndNode } from './api-sites.ts'
import { day, dayAfter, inputOf } from './days.ts'
import { Order } from './order.tsx'
import { visible } from './text.ts'

type Props = { readonly nodes: readonly EndNode[]; readonly projects: readonly string[] }

/** Keeps an end node free for a project; what overlaps is refused, and told where the button is. */
export const Reserve = ({ nodes, projects }: Props) => {
  const [part, choose] = useState(nodes[0]?.part ?? '')
  const [project, name] = useState(projects[0] ?? '')
  const [from, setFrom] = useState(() => inputOf(dayAfter(Date.now(), 1) + 8 * 3_600_000))
  const [until, setUntil] = useState(() => inputOf(dayAfter(Date.now(), 1) + 8 * 3_600_000 + day / 3))
  const [note, say] = useState('')
  const body = { project, from: moment(from), until: moment(until), note }
  return (
    <Order
      label="Reserve a node"
      submit="Reserve"
      path={`/api/end-nodes/${part}/reserve`}
      body={body}
      done={(_, { note: besides }) => typeof besides === 'string' && visible(besides)}
      isReady={part !== '' && body.project !== '' && body.from !== '' && body.until !== ''}
    >
      <label>
        End node
        <select value={part} onChange={({ target }) => choose(target.value)}>
          {nodes.map((node) => (
            <option key={node.part}>{node.part}</option>
          ))}
        </select>
      </label>
      <label>
        Project
        <select value={project} onChange={({ target }) => name(target.value)}>
          {projects.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        From
        <input type="datetime-local" value={from} onChange={({ target }) => setFrom(target.value)} />
      </label>
      <label>
        Until
        <input type="datetime-local" value={until} onChange={({ target }) => setUntil(target.value)} />
      </label>
      <label>
        Note
        <input value={note} maxLength={1000} onChange={({ target }) => say(target.value)} />
      </label>
    </Order>
  )
}

const moment = (text: string): string => (Number.isNaN(Date.parse(text)) ? '' : new Date(text).toISOString())
