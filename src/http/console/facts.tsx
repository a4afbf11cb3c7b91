import type { ReactNode } from 'react'

type Props = { readonly rows: readonly (readonly [term: string, value: ReactNode])[] }

/** Terms and what is known of them; what is not known is left out. */
export const Facts = ({ rows }: Props) => (
  <dl className="facts">
    {rows
      .filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
      .map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)
