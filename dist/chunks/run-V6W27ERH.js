import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-TC6NATJ2.js";import"./chunk-YWPYFZQZ.js";import"./chunk-T75FLF3X.js";import"./chunk-CF6ID735.js";import"./chunk-2T6QYE3U.js";import"./chunk-KMFHGIWS.js";import"./chunk-TH4CTR3W.js";import"./chunk-S4DEFMS7.js";export{run};
