/** Connections named in one answer, at most. */
export const connectionsListedMax = 200;
