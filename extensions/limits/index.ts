export type { LimitEvent, LimitListener, LimitName } from "./limit-event.ts";
export { LimitReports } from "./limit-reports.ts";
