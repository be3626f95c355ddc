import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

function once(make){let made;return()=>(made??={value:make()},made.value)}export{once};
