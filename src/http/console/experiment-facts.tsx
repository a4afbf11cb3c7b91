import type { ExperimentDetail } from './api-experiments.ts'
import { linkWords } from './experiment-words.ts'
import { Facts } from './facts.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { experimentAddress } from './router.ts'
import { visible, visibleLines } from './text.ts'

/** What was said of an experiment when it was made, or since. */
export const ExperimentFacts = ({ experiment }: { readonly experiment: ExperimentDetail }) => {
  const { description, project, creator, experimenters, source, commit, resource, cloudLink, composeFiles } = experiment
  return (
    <section aria-label="About it">
      <h2>About it</h2>
      {description !== '' && <p className="described">{visibleLines(description)}</p>}
      <Facts
        rows={[
          ['Project', project],
          ['Made by', creator],
          ['Made', <Moment key="made" at={experiment.createdAt} />],
          ['Experimenters', experimenters.join(', ')],
          [
            'Clone of',
            experiment.cloneOf && <Link to={experimentAddress(experiment.cloneOf)}>{experiment.cloneOf}</Link>,
          ],
          ['Code', <code key="code">{visible(source.link)}</code>],
          ['Branch', source.ref && visible(source.ref)],
          ['Commit', commit && <code>{commit}</code>],
          [
            'Needs',
            `${resource.count} × ${[resource.nodeType, ...resource.capabilities].join(' with ')} at ${resource.sites.join(', ')}, for ${resource.hours} h`,
          ],
          ['End nodes', experiment.nodes.join(', ')],
          ['Results go to', linkWords(cloudLink)],
          ['Approval', experiment.approval !== 'not-asked' && experiment.approval],
        ]}
      />
      {composeFiles.map(({ site, image, compose }) => (
        <details key={site}>
          <summary>Compose file of {site}</summary>
          <p className="quiet">
            <code>{image}</code>
          </p>
          <pre className="content">{visibleLines(compose)}</pre>
        </details>
      ))}
    </section>
  )
}
