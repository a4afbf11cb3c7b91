/** A node by its whole name; broken behind its pipeline where it must be broken. */
export const Part = ({ part }: { readonly part: string }) => {
  const [pipeline, name] = part.split('/')
  if (name === undefined) return part
  return (
    <>
      {pipeline}/<wbr />
      {name}
    </>
  )
}
