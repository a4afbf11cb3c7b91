/** Asks for a list page by page, as one answer is one message and holds no more; gives all of its items. */
export const everyItem = async (
  ask: (page: { readonly limit: number; readonly cursor?: string }) => Promise<unknown>,
): Promise<unknown[]> => {
  const items: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = (await ask({ limit: 1000, ...(cursor !== undefined && { cursor }) })) as Page
    items.push(...page.items)
    cursor = page.next
  }
  return items
}

type Page = { readonly items: readonly unknown[]; readonly next: string | null }
