import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Reader thread and serial writer", .timeLimit(.minutes(5)))
struct ReaderAndWriterTests {
    // Writing to a closed pipe must not end the program, whichever test runs first.
    init() { Signals.ignoreBrokenPipes() }

    private func read(_ mailbox: LineMailbox) async -> [ReaderThread.Frame] {
        var all: [ReaderThread.Frame] = []
        while true {
            let frames = await mailbox.next()
            if frames.isEmpty { return all }
            all += frames
        }
    }

    @Test("lines that one writes are read by the other, in order, with little delay")
    func throughPipe() async throws {
        let pipe = try FileDescriptor.pipe()
        let readEnd = pipe.readEnd.raw
        let mailbox = try LineMailbox.start(readEnd, capacity: 4_096)
        let writer = try SerialWriter.start(pipe.writeEnd.raw, capacity: 4_096)
        let count = 20_000
        let writing = Task {
            for number in 0..<count { try await writer.write(Array("line \(number)\n".utf8)) }
            return await writer.finish(within: .seconds(300))
        }
        var seen = 0
        while seen < count {
            for frame in await mailbox.next() {
                #expect(frame == .line(Array("line \(seen)".utf8)))
                seen += 1
            }
        }
        #expect(try await writing.value)
        mailbox.close()
        await mailbox.ended()
    }

    @Test("end of input comes after the last line, once")
    func end() async throws {
        let mailbox: LineMailbox
        let readEnd: FileDescriptor
        do {
            let pipe = try FileDescriptor.pipe()
            readEnd = try pipe.readEnd.duplicate()
            mailbox = try LineMailbox.start(readEnd.raw)
            _ = write(pipe.writeEnd.raw, "a\nb", 3)
        }
        #expect(await read(mailbox) == [.line([0x61]), .line([0x62]), .end(error: nil)])
        await mailbox.ended()
        _ = readEnd.raw
    }

    @Test("a null device ends at once")
    func null() async throws {
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let mailbox = try LineMailbox.start(null.raw)
        #expect(await read(mailbox) == [.end(error: nil)])
        await mailbox.ended()
    }

    @Test("reading pauses while nobody takes the lines, and an abandoned reader ends")
    func backPressure() async throws {
        let pipe = try FileDescriptor.pipe()
        mm_set_nonblocking(pipe.writeEnd.raw, 1)
        do {
            let mailbox = try LineMailbox.start(pipe.readEnd.raw, capacity: 10_000, name: "mm-paused")
            let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
            var written = 0
            var refusals = 0
            // The pipe has 64 KiB, the reader's buffer 64 KiB, the mailbox 10,000 lines: then everything is full.
            while refusals < 50 {
                let count = write(pipe.writeEnd.raw, line, line.count)
                if count > 0 {
                    written += count
                    refusals = 0
                } else {
                    refusals += 1
                    try await Task.sleep(for: .milliseconds(2))
                }
                try #require(written < 400_000)
            }
            _ = mailbox
        }
        #expect(await eventually { Resources.threads["mm-paused"] == nil })
    }

    @Test("a closed pipe fails the writer and waiting callers")
    func broken() async throws {
        Signals.ignoreBrokenPipes()
        let failed = Noted(0)
        let writeEnd: FileDescriptor
        let writer: SerialWriter
        let waiting: Task<MMError?, Never>
        do {
            let pipe = try FileDescriptor.pipe()
            writeEnd = try pipe.writeEnd.duplicate()
            writer = try SerialWriter.start(writeEnd.raw, capacity: 100_000) { failed.change { $0 += 1 } }
            waiting = Task {
                await failure { () async throws(MMError) in
                    for _ in 0..<100 { try await writer.write([UInt8](repeating: 0x78, count: 50_000)) }
                }
            }
            #expect(await eventually { mm_pending_input(pipe.readEnd.raw) > 50_000 })
        }
        let error = await waiting.value
        #expect(error?.code == .unavailable)
        #expect(await eventually { failed.now == 1 })
        #expect(!writer.writeNow([0x78]))
        #expect(await writer.finish(within: .seconds(300)) == false)
        _ = writeEnd.raw
    }

    @Test("a cancelled write that waits for room has passed on nothing")
    func cancelledWrite() async throws {
        let pipe = try FileDescriptor.pipe()
        let writer = try SerialWriter.start(pipe.writeEnd.raw, capacity: 10)
        try await writer.write([UInt8](repeating: 0x61, count: 200_000))
        let second = Task { await failure { () async throws(MMError) in try await writer.write([0x62, 0x0A]) } }
        try await Task.sleep(for: .milliseconds(10))
        second.cancel()
        #expect(await second.value?.code == .cancelled)
        let mailbox = try LineMailbox.start(pipe.readEnd.raw)
        #expect(writer.writeNow([0x0A]))
        #expect(await mailbox.next() == [.line([UInt8](repeating: 0x61, count: 200_000))])
        #expect(await writer.finish(within: .seconds(300)))
        mailbox.close()
        await mailbox.ended()
    }

    @Test("finishing gives up if the other side reads nothing")
    func stuck() async throws {
        let pipe = try FileDescriptor.pipe()
        let writer = try SerialWriter.start(pipe.writeEnd.raw)
        #expect(writer.writeNow([UInt8](repeating: 0x61, count: 200_000)))
        #expect(await writer.finish(within: .milliseconds(50)) == false)
        let mailbox = try LineMailbox.start(pipe.readEnd.raw)
        #expect(writer.writeNow([0x0A]) == false)
        #expect(await writer.finish(within: .seconds(300)))
        mailbox.close()
        await mailbox.ended()
    }
}
