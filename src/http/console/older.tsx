type Props = {
  readonly query: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => unknown
  }
  readonly label: string
}

/** Asks for the next page of a list, where there is one. */
export const Older = ({ query: { hasNextPage, isFetchingNextPage, fetchNextPage }, label }: Props) =>
  hasNextPage && (
    <p>
      <button type="button" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
        {label}
      </button>
    </p>
  )
