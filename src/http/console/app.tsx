import { ArtifactPage } from './artifact-page.tsx'
import { ArtifactsPage } from './artifacts-page.tsx'
import { Header } from './header.tsx'
import { HostsPage } from './hosts-page.tsx'
import { Keys } from './keys.tsx'
import { Link } from './link.tsx'
import { LogPage } from './log-page.tsx'
import { Page } from './page.tsx'
import { PipelinesPage } from './pipelines-page.tsx'
import { useAddress } from './router.ts'
import { RunPage } from './run-page.tsx'
import { RunsPage } from './runs-page.tsx'

/** The frame of every screen. */
export const App = () => (
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

const Screen = () => {
  const { steps, said } = useAddress()
  const [section, ...rest] = steps
  const of = rest.join('/')
  const path = said.get('path')
  if (section === undefined || section === 'console') return <PipelinesPage />
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
        This address has no page. <Link to="/">Go to the pipelines</Link>
      </p>
    </Page>
  )
}
