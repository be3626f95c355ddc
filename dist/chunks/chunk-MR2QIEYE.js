import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e220 as pRetry,e97 as isSluiceError}from"../chunks/common.js";
var RETRY_PAUSE=1e3;function persist({clock},signal,act){return pRetry(act,{retries:Number.POSITIVE_INFINITY,minTimeout:0,onFailedAttempt:()=>signal.throwIfAborted(),async shouldRetry({error}){return isSluiceError(error,"unreachable")?(await clock.sleep(RETRY_PAUSE,signal),!0):!1}})}export{persist};
