/**
 * Import it before everything else: lib0, and with it the time-outs of presence, keeps the `Date.now` that it finds, which
 * has to follow simulated time.
 */
const RealDate = Date;
const realNow = Date.now;

Date.now = () => (globalThis.Date === RealDate ? realNow() : globalThis.Date.now());
