import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-WX3Z3A4N.js";import"./chunk-INZBNAYH.js";import"./chunk-IQFGSBW2.js";import"./chunk-JXXRXFY3.js";import"./chunk-2T6QYE3U.js";import"./chunk-NWSZ7EGV.js";import"./chunk-SOGODRVC.js";import"./chunk-S4DEFMS7.js";export{run};
