export type { Access, Permission } from "./access.ts";
export { Auth, type AuthEvent, type AuthOptions } from "./auth.ts";
export { readRevocationRequest } from "./read-revocation.ts";
export type { Relay } from "./relay.ts";
export type { RevocationRequest } from "./revocations.ts";
export { signTicket, type TicketContent } from "./ticket.ts";
