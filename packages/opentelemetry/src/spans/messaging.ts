import { type Attributes } from '@opentelemetry/api';

/** The attributes of a task, by the conventions for messaging: a pool is a queue, and its workers are the consumers. */
export function taskAttributes(target: string, operation: 'send' | 'process', name: string): Attributes {
  return {
    'messaging.system.name': 'aiopipe',
    'messaging.destination.name': target,
    'messaging.operation.type': operation,
    'messaging.operation.name': name,
  };
}
