import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-CE35IEQP.js";import"./chunk-E3NF7CDU.js";import"./chunk-36A3DXKX.js";import"./chunk-TOK454OE.js";import"./chunk-SUA7ME2W.js";import"./chunk-NV5KOALQ.js";import"./chunk-UBICFSA6.js";import"./chunk-22NOBUUE.js";import"./chunk-PO2BW2DC.js";export{a as action};
