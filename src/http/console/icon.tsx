import type { IconName } from './states.ts'

const paths: Readonly<Record<IconName, string>> = {
  database: 'M2.500 4c0-3 11-3 11 0v8c0 3-11 3-11 0zM2.500 4c0 3 11 3 11 0M2.500 8c0 3 11 3 11 0',
  inbox: 'M2 9h3.500l1 2h3l1-2H14M2 9l2-6h8l2 6v4H2zM8 1v5M6 4.500l2 2 2-2',
  folder: 'M2 13V3.500h4l1.500 2H14V13z',
  model: 'M8 1.500l5.500 3.200v6.600L8 14.500l-5.500-3.200V4.700zM8 8l5.500-3.300M8 8v6.500M8 8L2.500 4.700',
  dataset: 'M2 3h12v10H2zM2 6.300h12M2 9.600h12M6 3v10',
  resource: 'M4.500 12.500a3 3 0 01-.3-6 4 4 0 017.800.5 2.800 2.800 0 01-.5 5.500z',
  gear: 'M8 5.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5zM8 1.500v2M8 12.500v2M1.500 8h2M12.500 8h2M3.400 3.400l1.400 1.400M11.200 11.200l1.400 1.400M3.400 12.600l1.400-1.400M11.200 4.800l1.400-1.400',
  link: 'M6.500 9.500l3-3M7 4.500l1.800-1.800a3 3 0 014.500 4.500L11.500 9M9 11.500l-1.800 1.800a3 3 0 01-4.500-4.500L4.500 7',
  question: 'M5.500 6a2.500 2.500 0 115 0c0 1.800-2.500 2-2.500 4M8 12.500v.5',
}

/** The sign of a kind of node; the word always stands beside it. */
export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
)
