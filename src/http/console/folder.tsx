import { Fragment } from 'react'
import { visible } from './text.ts'

/** Where something lies on its machine; broken behind a slash where it must be broken. */
export const Folder = ({ path }: { readonly path: string }) => (
  <code>
    {visible(path)
      .split('/')
      .map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a path has no other order, and steps may be alike.
        <Fragment key={index}>
          {index > 0 && (
            <>
              /<wbr />
            </>
          )}
          {step}
        </Fragment>
      ))}
  </code>
)
