export { ContentLimits, type ContentLimitsOptions } from "./content/content-limits.ts";
export type { LimitEvent, LimitListener, LimitName } from "./limit-event.ts";
export { LimitReports } from "./limit-reports.ts";
export { Limits, type LimitsOptions } from "./limits.ts";
export type { Newcomer, NewcomerSocket, Newcomers } from "./newcomers.ts";
export { type Charged, isWorthCharging, type MeteredUser, type Sender, type Traffic } from "./traffic.ts";
export type { TrafficMeter } from "./traffic-meter.ts";
