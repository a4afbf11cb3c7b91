import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useAsked } from './asked.ts'
import { DraftFields } from './draft-fields.tsx'
import { type Draft, describedBy, draftOf, emptyDraft, wrongIn } from './experiment-draft.ts'
import { experimentQuery } from './experiment-queries.ts'
import { Field } from './field.tsx'
import { Link } from './link.tsx'
import { LinkField } from './link-field.tsx'
import { Page } from './page.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress, go, useAddress } from './router.ts'
import { meQuery } from './session.ts'

/** Makes an experiment, from nothing or from another one. */
export const NewExperimentPage = () => {
  const of = useAddress().said.get('clone')
  const { data: cloned, error, refetch } = useQuery({ ...experimentQuery(of ?? ''), enabled: of !== null })
  const title = of === null ? 'New experiment' : `Clone of ${cloned?.name ?? of}`
  return (
    <Page title={title}>
      {error && <ProblemNote error={error} retry={refetch} />}
      {of === null && <NewExperiment begun={emptyDraft} />}
      {of !== null && cloned && <NewExperiment begun={draftOf(cloned)} cloneOf={of} />}
    </Page>
  )
}

const NewExperiment = ({ begun, cloneOf }: { readonly begun: Draft; readonly cloneOf?: string }) => {
  const { data: me } = useQuery(meQuery)
  const projects = me?.projects ?? []
  const [draft, setDraft] = useState(begun)
  const form = useRef<HTMLFormElement>(null)
  const project = projects.includes(draft.project) ? draft.project : (projects[0] ?? '')
  const link = draft.link.trim()
  const body = { ...describedBy(draft), project, ...(link !== '' && { link }), ...(cloneOf && { cloneOf }) }
  const { mutate, error, data, isPending } = useAsked('/api/experiments', body)
  const wrong = wrongIn(error, draft)
  const made = data?.answer.experiment
  useEffect(() => {
    if (typeof made === 'string') go(experimentAddress(made))
  }, [made])
  useEffect(() => {
    const first = error && form.current?.querySelector<HTMLElement>('[aria-invalid=true]')
    if (first) first.focus()
  }, [error])
  useEffect(() => form.current?.querySelector<HTMLElement>('[data-first]')?.focus(), [])

  const send = (event: FormEvent) => {
    event.preventDefault()
    mutate()
  }
  const change = (said: Partial<Draft>) => setDraft((before) => ({ ...before, ...said }))
  if (me && projects.length === 0)
    return <p className="note">Experiments are made by members of a project, and you are in none.</p>
  const isTold = Object.keys(wrong).some((name) => name !== '')
  return (
    <form ref={form} className="form" onSubmit={send} noValidate>
      {projects.length > 1 && (
        <Field label="Project" wrong={wrong.project}>
          {(control) => (
            <select {...control} value={project} onChange={({ target }) => change({ project: target.value })}>
              {projects.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </Field>
      )}
      <DraftFields draft={draft} onDraft={change} wrong={wrong} />
      <LinkField link={draft.link} onLink={(said) => change({ link: said })} wrong={wrong.link} />
      {error && (!isTold || wrong[''] !== undefined) && (
        <ProblemNote error={wrong[''] === undefined ? error : new Error(wrong[''])} />
      )}
      <div className="form-end">
        <button type="submit" className="primary" disabled={isPending}>
          Create
        </button>
        <Link to={cloneOf === undefined ? '/experiments' : experimentAddress(cloneOf)}>Leave it</Link>
      </div>
    </form>
  )
}
