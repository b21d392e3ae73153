import { PrivateEngine } from '../kit/engine.ts';
import { describeSource } from './source.contract.ts';
import { openFakeLab, openRealLab } from './source-labs.ts';

describeSource('the engine in memory', openFakeLab);

describeSource("the machine's own engine", async () => await openRealLab('/var/run/docker.sock'));

describeSource('engine 28', async () => {
  const engine = await PrivateEngine.start({ suite: 'sid' });
  return await openRealLab(engine.socketPath, async () => {
    await engine.remove();
  });
});
