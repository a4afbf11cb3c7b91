import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { ArtifactPage } from './artifact-page.tsx'
import { ArtifactsPage } from './artifacts-page.tsx'
import { ExperimentPage } from './experiment-page.tsx'
import { ExperimentsPage } from './experiments-page.tsx'
import { Header } from './header.tsx'
import { HostsPage } from './hosts-page.tsx'
import { InboxPage } from './inbox-page.tsx'
import { Keys } from './keys.tsx'
import { Link } from './link.tsx'
import { listen } from './live.ts'
import { LogPage } from './log-page.tsx'
import { MePage } from './me-page.tsx'
import { NewExperimentPage } from './new-experiment-page.tsx'
import { Page } from './page.tsx'
import { PipelinesPage } from './pipelines-page.tsx'
import { useAddress } from './router.ts'
import { RunPage } from './run-page.tsx'
import { RunsPage } from './runs-page.tsx'
import { useScreens } from './screens.ts'
import { meQuery, sessionQuery } from './session.ts'
import { SignIn } from './sign-in.tsx'
import { SitesPage } from './sites-page.tsx'

/** Everything there is to see, once it is known who looks; until somebody is signed in, where one does that. */
export const App = () => {
  const { data: session, error: unreachable } = useQuery(sessionQuery)
  const isSignedIn = session?.name !== null
  const { isPending } = useQuery({ ...meQuery, enabled: session !== undefined && isSignedIn, retry: false })
  if (!isSignedIn) return <SignIn />
  return (isPending || !session) && !unreachable ? null : <Frame key={session?.name} />
}

/** The frame of every screen. It listens to what happens while it is there. */
const Frame = () => {
  const client = useQueryClient()
  useEffect(() => listen(client), [client])
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Screen />
      </main>
      <Keys />
    </>
  )
}

const Screen = () => {
  const { steps, said } = useAddress()
  const [section, ...rest] = steps
  const of = rest.join('/')
  const path = said.get('path')
  if (section === undefined || section === 'console') return <FirstPage />
  if (section === 'experiments' && rest.length === 0) return <ExperimentsPage />
  if (section === 'experiments' && of === 'new') return <NewExperimentPage key={said.get('clone')} />
  if (section === 'experiments' && /^[\w-]+-[a-z0-9]+$/.test(of)) return <ExperimentPage key={of} experiment={of} />
  if (section === 'inbox' && rest.length === 0) return <InboxPage />
  if (section === 'sites' && rest.length === 0) return <SitesPage />
  if (section === 'me' && rest.length === 0) return <MePage />
  if (section === 'runs' && rest.length === 0) return <RunsPage />
  if (section === 'runs' && /^[\w-]+\/\d+$/.test(of)) return <RunPage key={of} run={of} />
  if (section === 'runs' && /^[\w-]+\/\d+\/logs$/.test(of)) return <LogPage key={of} run={of.replace(/\/logs$/, '')} />
  if (section === 'artifacts' && path && rest.length === 2)
    return <ArtifactPage key={of + path} store={of} path={path} />
  if (section === 'hosts' && rest.length === 0) return <HostsPage />
  if (section === 'artifacts') return <ArtifactsPage key={of} store={of || undefined} />
  return (
    <Page title="Nothing here">
      <p>
        This address has no page. <Link to="/">Go to the first page</Link>
      </p>
    </Page>
  )
}

/** Where there are pipelines, these; else the experiments. */
const FirstPage = () => (useScreens().some(([, to]) => to === '/') ? <PipelinesPage /> : <ExperimentsPage />)
