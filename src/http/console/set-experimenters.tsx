import { useState } from 'react'
import { orderPath } from './experiment-order.ts'
import { Order } from './order.tsx'

type Props = { readonly experiment: string; readonly experimenters: readonly string[] }

/** Says who may do what its creator may: those there are stay or go, and others come. */
export const SetExperimenters = ({ experiment, experimenters }: Props) => {
  const [gone, setGone] = useState<readonly string[]>([])
  const [others, setOthers] = useState('')
  const added = others.split(/[\s,]+/).filter((name) => name !== '')
  const all = [...new Set([...experimenters.filter((name) => !gone.includes(name)), ...added])]
  const who = all.map((name) => ` --who ${name}`).join('')
  return (
    <Order
      label="Experimenters"
      submit="Set them"
      path={orderPath(experiment, 'set-experimenters')}
      body={{ experimenters: all }}
      isReady={added.length > 0 || experimenters.some((name) => gone.includes(name))}
      {...(who !== '' && { shell: `millrace experiment set-experimenters ${experiment}${who}` })}
    >
      <p>They may do what its creator may. Members of its project alone can be named.</p>
      {experimenters.map((name) => (
        <label className="choice" key={name}>
          <input
            type="checkbox"
            checked={!gone.includes(name)}
            onChange={({ target }) =>
              setGone((before) => (target.checked ? before.filter((one) => one !== name) : [...before, name]))
            }
          />
          {name}
        </label>
      ))}
      <label>
        Add
        <input value={others} maxLength={1000} placeholder="names" onChange={({ target }) => setOthers(target.value)} />
      </label>
    </Order>
  )
}
