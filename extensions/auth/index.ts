export type { Access, Permission } from "./access.ts";
export { Auth, type AuthEvent, type AuthOptions } from "./auth.ts";
export type { Relay } from "./relay.ts";
export { type RevocationRequest, revocationRequestSchema } from "./revocations.ts";
export { signTicket, type TicketContent } from "./ticket.ts";
