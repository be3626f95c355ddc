import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-MUYLZKHW.js";import"./chunk-NW4GLEXQ.js";import"./chunk-PRQQKBPI.js";import"./chunk-DEA65TPJ.js";import"./chunk-OXQ52SAB.js";import"./chunk-NV5KOALQ.js";import"./chunk-QKCBBIHX.js";import"./chunk-RZK3R47Y.js";import"./chunk-PO2BW2DC.js";export{a as action};
