import { useEffect, useState } from 'react'

type Props = { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string }

/** An image, decoded by the browser under a type that we chose. */
export const PreviewImage = ({ bytes, type }: Props) => {
  const [address, setAddress] = useState<string>()
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type }))
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [bytes, type])
  if (isBroken) return <p className="note">These bytes are no image that can be shown.</p>
  return (
    address && <img className="content-image" src={address} alt="What the file holds" onError={() => setBroken(true)} />
  )
}
