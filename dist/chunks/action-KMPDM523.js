import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{action}from"./chunk-Y2MCPG5D.js";import"./chunk-NSZTJKHK.js";import"./chunk-63UJNTKC.js";import"./chunk-Y2HAQRXG.js";import"./chunk-W44JGWQC.js";import"./chunk-H4NZF6HY.js";import"./chunk-K5DZGMIU.js";import"./chunk-2HA2CUH2.js";import"./chunk-S4DEFMS7.js";export{action};
