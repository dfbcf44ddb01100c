/** The block that is associated, or about to be. */
export function ipv6Block<B extends { Ipv6CidrBlockState?: { State?: string } }>(found: {
  Ipv6CidrBlockAssociationSet?: B[];
}) {
  return found.Ipv6CidrBlockAssociationSet?.find(
    (block) => !block.Ipv6CidrBlockState?.State?.startsWith("disassociat"),
  );
}
