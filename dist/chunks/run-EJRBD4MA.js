import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-X3SHVVHH.js";import"./chunk-QXATJ5WG.js";import"./chunk-YKM5K2DC.js";import"./chunk-CF6ID735.js";import"./chunk-2T6QYE3U.js";import"./chunk-76SCBKZX.js";import"./chunk-6NU5XO2W.js";import"./chunk-S4DEFMS7.js";export{run};
