/** `npm run prepare-electron`: prepares the runtime that `npm start` and the tests will use, and prints where it is. */
import { findRuntime } from './lib/runtime.mjs';

console.log(JSON.stringify(await findRuntime(), null, 2));
