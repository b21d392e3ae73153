/** `80` as a port number; leading zeros are refused, so that each port has one spelling. */
export function parsePortNumber(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
