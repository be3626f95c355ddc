import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-GPL2LVYW.js";import"./chunk-F6MXATHD.js";import"./chunk-JXXRXFY3.js";import"./chunk-YKM5K2DC.js";import"./chunk-2WKBPHXB.js";import"./chunk-2T6QYE3U.js";import"./chunk-WPXV72BA.js";import"./chunk-6NU5XO2W.js";import"./chunk-S4DEFMS7.js";export{run};
