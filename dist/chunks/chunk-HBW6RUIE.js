import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{o as i}from"./chunk-T4YQTHXP.js";import{a as o}from"./chunk-PO2BW2DC.js";var e=5;async function f(c){for(let r=1;;r+=1)try{return await c()}catch(t){if(!i(t,"conflict")||r===e)throw t}}o(f,"retryOnConflict");export{f as a};
