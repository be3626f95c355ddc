import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e97 as isSluiceError}from"../chunks/common.js";
var TRIES=5;async function retryOnConflict(readAndWrite){for(let tries=1;;tries+=1)try{return await readAndWrite()}catch(error){if(!isSluiceError(error,"conflict")||tries===TRIES)throw error}}export{retryOnConflict};
