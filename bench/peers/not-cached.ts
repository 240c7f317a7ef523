/** Why a peer is not in the row of cached checks. */
export const notCached = 'its check has no cache to turn on; see secured-h1';
