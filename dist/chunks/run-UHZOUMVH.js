import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-WSXF3JUE.js";import"./chunk-SHWQ6ZDG.js";import"./chunk-3S4BGOF2.js";import"./chunk-BHCYPOT7.js";import"./chunk-S4DEFMS7.js";export{run};
