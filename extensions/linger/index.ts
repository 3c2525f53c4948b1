export { Linger, type LingerOptions } from "./linger.ts";
