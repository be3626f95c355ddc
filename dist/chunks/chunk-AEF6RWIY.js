import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
const setTimeout=globalThis.process.getBuiltinModule("node:timers/promises").setTimeout;
var systemClock={now:()=>performance.timeOrigin+performance.now(),async sleep(milliseconds,signal){try{await setTimeout(Math.min(milliseconds,2**31-1),void 0,{signal})}catch(error){throw signal.throwIfAborted(),error}}};export{systemClock};
