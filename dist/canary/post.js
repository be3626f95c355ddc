import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as o}from"../chunks/chunk-QMPJYCTZ.js";import"../chunks/chunk-PO2BW2DC.js";await o(process.env,()=>import("../chunks/action-RHXQA7BS.js"));
