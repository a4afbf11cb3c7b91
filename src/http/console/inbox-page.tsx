import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Age } from './age.tsx'
import type { Waiting } from './api-experiments.ts'
import { orderPath, shellFor } from './experiment-order.ts'
import { inboxQuery } from './experiment-queries.ts'
import { orderWords, placeWords, verbOf } from './experiment-words.ts'
import { Link } from './link.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { Press } from './press.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress } from './router.ts'
import { meQuery } from './session.ts'
import { inOne, visible } from './text.ts'

/** What waits for whoever looks, oldest first, each with the one button that moves it on. */
export const InboxPage = () => {
  const { data: me } = useQuery(meQuery)
  const query = useInfiniteQuery(inboxQuery())
  const { data, error, refetch } = query
  const items = data?.pages.flatMap(({ items: some }) => some) ?? []
  return (
    <Page title="Inbox" beside={items.length > 0 && <span className="quiet">{counted(items.length, query)}</span>}>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && items.length === 0 && (
        <div className="nothing-waits">
          <p aria-hidden="true">✓</p>
          <p>Nothing waits for you.</p>
          <p className="quiet">
            What does appears here by itself. <Link to="/experiments">All experiments</Link>
          </p>
        </div>
      )}
      <ol className="inbox">
        {items.map((item) => (
          <li key={`${item.experiment} ${item.wait}`}>
            <Item item={item} may={mayMove(item, me?.roles ?? [])} />
          </li>
        ))}
      </ol>
      <Older query={query} label="More" />
    </Page>
  )
}

const counted = (count: number, { hasNextPage }: { readonly hasNextPage: boolean }): string =>
  `${count}${hasNextPage ? ' and more' : ''} ${count === 1 && !hasNextPage ? 'waits' : 'wait'}`

/** Operators see what waits for administrators too, and these what waits for those. */
const mayMove = ({ waitsFor }: Waiting, roles: readonly string[]): boolean =>
  waitsFor === 'user' || roles.includes(waitsFor)

const asking: Readonly<Record<string, string>> = {
  approve: 'is to be approved',
  initiate: 'can be developed',
  update: 'was declined, and is to be changed',
  'set-cloud-link': 'has no place for its results',
  'move-to-testbed': 'is built, and wants end nodes',
  'mark-ready': 'is delivered',
  run: 'is ready to run',
  submit: 'has run',
}

const Item = ({ item, may }: { readonly item: Waiting; readonly may: boolean }) => {
  const { experiment, name = experiment, what, step, part, reason, command, unmet, at, waitsFor } = item
  const verb = command ? verbOf(command.type) : what
  const isPress = command && !['update', 'set-cloud-link', 'terminate'].includes(verb)
  return (
    <>
      <div className="inbox-words">
        <p>
          <Link to={experimentAddress(experiment)}>{visible(name)}</Link>{' '}
          {step ? (
            <strong className="wrong">
              {step} failed at {placeWords(part ?? '')}
            </strong>
          ) : (
            (asking[what] ?? what)
          )}
        </p>
        {reason && <p className="cut">{inOne(reason)}</p>}
        {unmet && <p className="wrong">{unmet}.</p>}
        <p className="quiet">
          {detailOf(item)}
          {experiment} · <Age at={at} />
        </p>
      </div>
      {isPress && may && (
        <Press
          label={step ? `Retry ${step}` : (orderWords[verb] ?? verb)}
          isPrimary
          path={orderPath(experiment, verb)}
          body={command.data}
          shell={shellFor(experiment, command)}
          since={at}
        />
      )}
      {!isPress && may && <Link to={experimentAddress(experiment)}>Look at it</Link>}
      {!may && <span className="quiet">waits for an {waitsFor}</span>}
    </>
  )
}

/** Which nodes it would get, or at which sites it is. */
const detailOf = ({ command }: Waiting): string => {
  const { nodes, sites } = (command?.data ?? {}) as {
    readonly nodes?: readonly string[]
    readonly sites?: readonly string[]
  }
  const said = nodes ? `to ${nodes.join(', ')}` : sites ? `at ${sites.join(', ')}` : ''
  return said === '' ? '' : `${said} · `
}
