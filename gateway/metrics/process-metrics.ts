/** The process itself, by the names that Prometheus's client libraries share. */
import type { Registry } from 'prom-client';
import { pulledCounter, pulledGauge } from './pulled';

export function processMetrics(registry: Registry, version: string): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  pulledGauge(
    {
      registry,
      name: 'longhaul_build_info',
      help: 'Always 1; the label tells the version.',
      labelNames: ['version'],
    },
    () => [[{ version }, 1]],
  );
  pulledGauge(
    { registry, name: 'process_start_time_seconds', help: 'When the process started.' },
    () => startedAt,
  );
  pulledCounter(
    { registry, name: 'process_cpu_seconds_total', help: 'Processor time used, of user and system.' },
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
  pulledGauge({ registry, name: 'process_resident_memory_bytes', help: 'Memory resident.' }, () =>
    process.memoryUsage.rss(),
  );
}
