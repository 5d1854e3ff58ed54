/** Small programs that tests start in their namespaces, as argv. Each says on stdout what became of it. */

/** Serves `bytes` bytes over HTTP on a port of any address, always the same ones. */
export const httpServer = (port: number, bytes: number): string[] =>
  script(`
    const body = Buffer.alloc(${bytes});
    for (let i = 0; i + 4 <= body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
    require('http').createServer((request, response) => response.end(body))
      .listen(${port}, '::', () => console.log('serving ' + hash(body)));
  `);

/** Downloads from there and says how much, and its hash. */
export const httpDownload = (url: string): string[] =>
  script(`
    require('http').get(${JSON.stringify(url)}, { agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => { const body = Buffer.concat(parts); console.log(body.length + ' ' + hash(body)); });
    }).on('error', (error) => { console.log('failed ' + error.code); process.exit(1); });
  `);

/** Sends datagrams back to where they came from. */
export const udpEcho = (port: number): string[] =>
  script(`
    const socket = require('dgram').createSocket('udp6');
    socket.on('message', (data, from) => socket.send(data, from.port, from.address));
    socket.bind(${port}, '::', () => console.log('echoing'));
  `);

/** Sends so many datagrams of a size, one after the other, each when the one before came back; says how many did, and right. */
export const udpPings = (address: string, port: number, count: number, bytes: number): string[] =>
  script(`
    const socket = require('dgram').createSocket(${JSON.stringify(address.includes(':') ? 'udp6' : 'udp4')});
    let sent = 0, right = 0, timer;
    const payload = (n) => Buffer.alloc(${bytes}, n + 1);
    const next = () => {
      clearTimeout(timer);
      if (sent === ${count}) { console.log(right + ' of ' + sent); process.exit(); }
      socket.send(payload(sent++), ${port}, ${JSON.stringify(address)});
      timer = setTimeout(next, 2000);
    };
    socket.on('message', (data) => { if (data.equals(payload(sent - 1))) right++; next(); });
    next();
  `);

/** Says which error a TCP connection ends with. */
export const tcpConnect = (address: string, port: number): string[] =>
  script(`
    const socket = require('net').connect(${port}, ${JSON.stringify(address)}, () => { console.log('connected'); process.exit(); });
    socket.on('error', (error) => { console.log(error.code); process.exit(); });
    setTimeout(() => { console.log('nothing'); process.exit(); }, 5000);
  `);

/** Sends a datagram from a port, and says which error comes back. */
export const udpError = (localPort: number, address: string, port: number): string[] =>
  script(`
    const socket = require('dgram').createSocket(${JSON.stringify(address.includes(':') ? 'udp6' : 'udp4')});
    socket.on('error', (error) => { console.log(error.code); process.exit(); });
    socket.bind(${localPort}, () => socket.connect(${port}, ${JSON.stringify(address)}, () => {
      socket.send('x');
      setInterval(() => socket.send('x'), 300);
    }));
    setTimeout(() => { console.log('nothing'); process.exit(); }, 5000);
  `);

const script = (code: string): string[] => [
  process.execPath,
  '-e',
  `const hash = (data) => require('crypto').createHash('sha256').update(data).digest('hex');${code}`,
];
