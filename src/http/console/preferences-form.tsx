import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Preferences } from '#contracts/notification'
import { order, type Problem } from './ask.ts'
import { Field } from './field.tsx'
import { ProblemNote } from './problem-note.tsx'

type Occasion = Preferences['occasions'][number]

const occasions: readonly (readonly [Occasion, string])[] = [
  ['waits-for-me', 'something waits for me'],
  ['failed', 'a step failed'],
  ['finished', 'an experiment is finished'],
  ['step', 'every step'],
]

/** What somebody wants to be told, and where to. Without an address nothing is sent. */
export const PreferencesForm = ({ preferences }: { readonly preferences: Preferences | null }) => {
  const [mail, setMail] = useState(preferences?.mail ?? '')
  const [webhook, setWebhook] = useState(preferences?.webhook ?? '')
  const [chosen, choose] = useState<readonly Occasion[]>(
    preferences?.occasions ?? ['waits-for-me', 'failed', 'finished'],
  )
  const { mutate, error, isPending, isSuccess, reset } = useMutation({
    mutationFn: () =>
      order(
        '/api/me/preferences',
        {
          ...(mail.trim() !== '' && { mail: mail.trim() }),
          ...(webhook.trim() !== '' && { webhook: webhook.trim() }),
          occasions: chosen,
          id: crypto.randomUUID(),
        },
        'PUT',
      ),
  })
  const errors = (error as Problem | null)?.errors ?? []
  const wrong = (name: string) => errors.find(({ field }) => field === name)?.message
  const send = (event: FormEvent) => {
    event.preventDefault()
    mutate()
  }
  return (
    <form className="form" onSubmit={send} onChange={reset} noValidate>
      <Field label="Mail" wrong={wrong('mail')}>
        {(control) => <input {...control} type="email" value={mail} onChange={({ target }) => setMail(target.value)} />}
      </Field>
      <Field label="Webhook" wrong={wrong('webhook')} hint="an address that is posted to">
        {(control) => (
          <input {...control} type="url" value={webhook} onChange={({ target }) => setWebhook(target.value)} />
        )}
      </Field>
      <Field label="When" wrong={wrong('occasions')}>
        {({ id, ...control }) => (
          <fieldset id={id} {...control} className="choices-inline">
            {occasions.map(([one, said]) => (
              <label className="choice" key={one}>
                <input
                  type="checkbox"
                  checked={chosen.includes(one)}
                  onChange={({ target }) =>
                    choose(target.checked ? [...chosen, one] : chosen.filter((other) => other !== one))
                  }
                />
                {said}
              </label>
            ))}
          </fieldset>
        )}
      </Field>
      {error && errors.length === 0 && <ProblemNote error={error} />}
      <div className="form-end">
        <button type="submit" className="primary" disabled={isPending}>
          Keep it
        </button>
        <output>{isSuccess && 'It is kept.'}</output>
      </div>
    </form>
  )
}
