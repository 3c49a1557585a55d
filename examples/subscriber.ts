// Keep every event of a topic once and in order, whatever becomes of the broker: see docs/guides/subscribe.md.
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import kafkajs from "kafkajs";

const [broker, topic, file] = process.argv.slice(2), looked = new Map<number, number>();
kafkajs.CompressionCodecs[4] = () => ({ compress: zstdCompressSync, decompress: zstdDecompressSync });
const db = new DatabaseSync(file);
db.exec("CREATE TABLE IF NOT EXISTS events (partition, position, value, PRIMARY KEY (partition, position))");
const last = db.prepare("SELECT coalesce(max(position), 0) AS done FROM events WHERE partition = ?");
const insert = db.prepare("INSERT INTO events VALUES (?, ?, ?)");
const consumer = new kafkajs.Kafka({ brokers: [broker] }).consumer({ groupId: file, sessionTimeout: 6_000, allowAutoTopicCreation: false });
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({ eachMessage: async ({ partition, message }) => {
  const position = Number(message.headers!.ce_position), done = Number(last.get(partition)!.done);
  // Exactly the next number is new; what is at or below `done` is a repeat. A hole: look once from the first record on.
  if (position === done + 1) insert.run(partition, position, String(message.value));
  else if (position > done && looked.get(partition) !== done) looked.set(partition, done) && consumer.seek({ topic, partition, offset: "0" });
} });
