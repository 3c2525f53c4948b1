#!/usr/bin/env node
console.log("self bin", process.version);
