export type { LimitEvent, LimitListener, LimitName } from "./limit-event.ts";
export { LimitReports } from "./limit-reports.ts";
export { Limits, type LimitsOptions } from "./limits.ts";
export type { Newcomer, NewcomerSocket, Newcomers } from "./newcomers.ts";
export { isWorthCharging, type Sender, type SenderMeters, type Traffic } from "./traffic.ts";
