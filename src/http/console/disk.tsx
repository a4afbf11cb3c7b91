import type { Room } from '#contracts/disk'
import { sizeOf } from './text.ts'

/** How much room there is, as a bar and in words; what is nearly full is said to be. */
export const DiskRoom = ({ disk }: { readonly disk: Room | null }) => {
  if (!disk) return <span className="quiet">not known</span>
  const { free, total, low } = disk
  const full = total > 0 ? Math.min(1, 1 - free / total) : 1
  return (
    <span className="disk" data-low={low}>
      <span className="disk-bar" aria-hidden="true">
        <span style={{ width: `${(full * 100).toFixed(1)}%` }} />
      </span>{' '}
      {sizeOf(free)} of {sizeOf(total)} free{low && ': nearly full, make room'}
    </span>
  )
}
