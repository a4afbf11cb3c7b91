import { Field } from './field.tsx'

type Props = {
  readonly link: string
  readonly onLink: (link: string) => void
  readonly wrong: string | undefined
}

/** Where results go; what is secret of it is not shown as it is typed. */
export const LinkField = ({ link, onLink, wrong }: Props) => (
  <Field
    label="Cloud link"
    wrong={wrong}
    hint="Where its results go: directory:folder, s3://KEY:SECRET@bucket/prefix, webdav+https://user:password@host/folder, or a signed https:// address. What is secret of it is put away, and shown to nobody. It can be said later."
  >
    {(control) => (
      <input
        {...control}
        type={link.startsWith('directory:') || 'directory:'.startsWith(link) ? 'text' : 'password'}
        autoComplete="off"
        spellCheck={false}
        maxLength={8000}
        value={link}
        onChange={({ target }) => onLink(target.value)}
      />
    )}
  </Field>
)
