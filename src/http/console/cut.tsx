/** The beginning of a text, on two lines at most; all of it to whoever points at it. */
export const Cut = ({ text }: { readonly text: string }) => (
  <span className="cut" title={text}>
    {text}
  </span>
)
