/**
 * A pickle for JavaScript, and message channels over pipes.
 *
 * @module @aiopipe/codec
 */

export { serialize, deserialize, type DeserializeOptions } from './serializer/serialize.js';
export { type DecodeLimits } from './serializer/decode-limits.js';
export { register, registerCodec, type ByteCodec, type Registration } from './serializer/registry.js';
export { DEFAULT_MAX_FRAME_LENGTH, type FrameOptions } from './frame/format.js';
export { FrameDecoder } from './frame/frame-decoder.js';
export { FrameEncoder } from './frame/frame-encoder.js';
export {
  DecodeError,
  EncodeError,
  EndOfStreamError,
  FrameTooLongError,
  InvalidMessageError,
  QueueFullError,
  type MessageIssue,
} from './errors.js';
export { Channel, ChannelReader, ChannelWriter } from './channel/channel.js';
export { channel, type ChannelPair } from './channel/pair.js';
export { type ChannelEnd } from './channel/end.js';
export { type ChannelOptions } from './channel/options.js';
export { merge, type MergeOptions, type Received, type Receiving } from './channel/merge.js';
export { type SchemaOutput, type SchemaResult, type StandardSchema } from './channel/validation.js';
export {
  type DecodeFunction,
  type DecoderOption,
  type EncodeFunction,
  type EncoderOption,
} from './channel/codec-option.js';
export { listen } from './rendezvous/listen.js';
export { Hub, type Connection } from './rendezvous/hub.js';
export { connect } from './rendezvous/connect.js';
export { type ConnectOptions, type ListenOptions, type Peer, type StrangerOptions } from './rendezvous/options.js';
export { expose, type Exposed } from './rpc/expose.js';
export { proxy } from './rpc/proxy.js';
export { type Answer, type Remote, type RemoteMethod } from './rpc/remote.js';
export { type ExposeOptions, type ProxyOptions } from './rpc/options.js';
export { type AnyChannel } from './rpc/connection.js';
export { type AnyFunction } from './rpc/methods.js';
export { callSignal } from './rpc/call-signal.js';
export { retain } from './rpc/stand-ins.js';
export { type ChannelMessage, type ChannelStats, type ObservedChannel } from './channel/events.js';
export { type RpcCall } from './rpc/events.js';
