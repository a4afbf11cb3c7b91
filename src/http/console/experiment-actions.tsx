import { useState } from 'react'
import type { ExperimentDetail } from './api-experiments.ts'
import { orderPath, shellFor } from './experiment-order.ts'
import { verbOf } from './experiment-words.ts'
import { Link } from './link.tsx'
import { LinkField } from './link-field.tsx'
import { NextAction, WithReason } from './next-action.tsx'
import { Order } from './order.tsx'
import { SetExperimenters } from './set-experimenters.tsx'
import { UpdateExperiment } from './update-experiment.tsx'

/** What whoever looks may ask of an experiment as it stands: the next thing first, then what ends, repeats or changes it. */
export const ExperimentActions = ({ experiment: one }: { readonly experiment: ExperimentDetail }) => {
  const { experiment, commands, waiting, mode, status, state, run } = one
  const may = (verb: string) => state === 'open' && commands.includes(`experiment.${verb}`)
  const next = waiting.filter(
    ({ command, needs }) =>
      (needs && may('move-to-testbed')) ||
      (command && isPlain(verbOf(command.type)) && commands.includes(command.type)),
  )
  const asks = (verb: string) => waiting.some(({ command }) => command && verbOf(command.type) === verb)
  const isOpen = one.steps.some(
    ({ attempt, step, outcome }) =>
      attempt === one.attempt &&
      ['probe', 'run', 'collect'].includes(step) &&
      (outcome === 'scheduled' || outcome === 'running'),
  )
  const isBetween = mode === 'TESTBED' && status === 'ready' && run > 0 && !isOpen
  return (
    <div className="orders">
      {next.map((wait) => (
        <NextAction key={wait.wait} wait={wait} isAlone={next.length === 1} />
      ))}
      {asks('approve') && may('decline') && (
        <WithReason
          experiment={experiment}
          verb="decline"
          label="Decline"
          submit="Decline it"
          text="Its user is told the reason, and can change it."
          isNeeded
        />
      )}
      {isBetween && !asks('run') && may('run') && (
        <Order
          label="Run again"
          submit="Run it once more"
          path={orderPath(experiment, 'run')}
          shell={shellFor(experiment, { type: 'experiment.run', data: {} })}
        >
          <p>What the last run has left stays at its site server: only what the new one leaves is taken home.</p>
        </Order>
      )}
      {isBetween && !asks('submit') && may('submit') && (
        <Order
          label="Submit partial results"
          path={orderPath(experiment, 'submit')}
          body={{ acceptPartial: true }}
          shell={shellFor(experiment, { type: 'experiment.submit', data: { acceptPartial: true } })}
        >
          <p>The last run failed. What it has left is taken home as it is, and the experiment is finished with that.</p>
        </Order>
      )}
      {isOpen && may('cancel-run') && (
        <WithReason
          experiment={experiment}
          verb="cancel-run"
          label="Cancel the run"
          submit="Cancel the run for good"
          text="What runs is told to stop; what it has left by then is collected."
          isGrave
        />
      )}
      {mode === 'Development' && may('terminate') && (
        <WithReason
          experiment={experiment}
          verb="terminate"
          label="Terminate"
          submit="Terminate this attempt"
          text="What is under way is given up, and it is idle again. Nothing is deleted; another attempt can be begun."
          isGrave
        />
      )}
      {status !== 'submitted' && may('set-cloud-link') && <SetLink experiment={experiment} />}
      {mode !== 'TESTBED' && may('update') && <UpdateExperiment experiment={one} />}
      {mode !== 'TESTBED' && may('set-experimenters') && (
        <SetExperimenters key={one.experimenters.join()} experiment={experiment} experimenters={one.experimenters} />
      )}
      {(status === 'submitted' || status === 'idle') && may('archive') && (
        <Order
          label="Archive"
          submit="Archive it for good"
          isGrave
          path={orderPath(experiment, 'archive')}
          shell={shellFor(experiment, { type: 'experiment.archive', data: {} })}
        >
          <p>It stays to be seen, and nothing can be asked of it any more.</p>
        </Order>
      )}
      {one.roles.includes('member') && (
        <Link to={`/experiments/new?clone=${experiment}`} className="button">
          Clone
        </Link>
      )}
    </div>
  )
}

/** What is one press, and neither stands with what failed nor has a form of its own. */
const isPlain = (verb: string): boolean =>
  !['retry', 'update', 'set-cloud-link', 'move-to-testbed', 'terminate'].includes(verb)

const SetLink = ({ experiment }: { readonly experiment: string }) => {
  const [link, setLink] = useState('')
  return (
    <Order
      label="Set the cloud link"
      submit="Set it"
      path={orderPath(experiment, 'set-cloud-link')}
      body={{ link: link.trim() }}
      isReady={link.trim() !== ''}
      shell={`millrace experiment set-cloud-link ${experiment} --cloud …`}
    >
      <LinkField link={link} onLink={setLink} wrong={undefined} />
    </Order>
  )
}
