import { useState } from 'react'
import type { Waiting } from './api-experiments.ts'
import { ChooseNodes } from './choose-nodes.tsx'
import { orderPath, shellFor } from './experiment-order.ts'
import { orderWords, verbOf } from './experiment-words.ts'
import { Order, ReasonField } from './order.tsx'
import { Press } from './press.tsx'

/** The button for what an experiment waits for: what needs choosing or saying asks for that first. */
export const NextAction = ({ wait, isAlone = true }: { readonly wait: Waiting; readonly isAlone?: boolean }) => {
  const { experiment, command, needs, at } = wait
  if (needs) return <ChooseNodes wait={wait} />
  if (!command) return null
  const verb = verbOf(command.type)
  const where = isAlone ? '' : ` at ${((command.data.sites as readonly string[] | undefined) ?? []).join(', ')}`
  return (
    <Press
      label={`${orderWords[verb] ?? verb}${where}`}
      isPrimary
      path={orderPath(experiment, verb)}
      body={command.data}
      shell={shellFor(experiment, command)}
      since={at}
    />
  )
}

type Props = {
  readonly experiment: string
  readonly verb: string
  readonly label: string
  readonly submit: string
  readonly text: string
  readonly isGrave?: boolean
  readonly isNeeded?: boolean
}

/** Something that is asked for with a reason: confirmed first, as it ends what is under way. */
export const WithReason = ({ experiment, verb, label, submit, text, isGrave = false, isNeeded = false }: Props) => {
  const [reason, say] = useState('')
  const given = reason.trim() === '' ? {} : { reason: reason.trim() }
  return (
    <Order
      label={label}
      submit={submit}
      isGrave={isGrave}
      isReady={!isNeeded || reason.trim() !== ''}
      path={orderPath(experiment, verb)}
      body={given}
      shell={shellFor(experiment, { type: `experiment.${verb}`, data: given })}
    >
      <p>{text}</p>
      <ReasonField reason={reason} onReason={say} />
    </Order>
  )
}
