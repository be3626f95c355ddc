import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-3M4FCHRV.js";import"./chunk-U7CHLU4M.js";import"./chunk-2A2VFYRG.js";import"./chunk-2HA2CUH2.js";import"./chunk-S4DEFMS7.js";export{run};
