import { KeysButton } from './keys.tsx'
import { Link } from './link.tsx'
import { useLive } from './live.ts'
import { useAddress } from './router.ts'
import { useScreens } from './screens.ts'
import { ThemeToggle } from './theme-toggle.tsx'
import { Whoami } from './whoami.tsx'

/** On every screen: where one can go, whether news arrives, and how far it has. */
export const Header = () => {
  const [section = ''] = useAddress().steps
  const { state, position } = useLive()
  const screens = useScreens()
  return (
    <header>
      <Link to="/" className="brand">
        <img src="/console/icon.svg" alt="" width="24" height="24" />
        Millrace
      </Link>
      <nav aria-label="Screens">
        {screens.map(([, to, screen]) => (
          <Link key={to} to={to} current={`/${section}` === to}>
            {screen}
          </Link>
        ))}
      </nav>
      <div className="header-end">
        <Whoami />
        <output className="live" data-state={state}>
          {state}
        </output>
        {position && (
          <span className="position" title={`Position ${position}`}>
            <span className="visually-hidden">position </span>
            <span aria-hidden="true">@</span>
            {position.split('.').at(-1)}
          </span>
        )}
        <KeysButton />
        <ThemeToggle />
      </div>
    </header>
  )
}
