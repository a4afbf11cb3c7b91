/** A state, in its own words. */
export const Pill = ({ state }: { readonly state: string }) => (
  <span className="pill" data-state={state.startsWith('waiting') ? 'waiting' : state.replaceAll('-', ' ')}>
    {state.replaceAll('-', ' ')}
  </span>
)
