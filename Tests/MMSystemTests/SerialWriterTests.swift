import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Serial writer", .timeLimit(.minutes(5)))
struct SerialWriterTests {
    // Writing to a closed pipe must not end the program, whichever test runs first.
    init() { Signals.ignoreBrokenPipes() }

    /// Reads a number of bytes on a thread of its own; fewer where the input ends.
    private func taken(_ count: Int, from descriptor: Int32) async throws -> [UInt8] {
        let all = Noted([UInt8]())
        let thread = try DedicatedThread.start("mm-taking") {
            var room = [UInt8](repeating: 0, count: 4_096)
            while all.now.count < count {
                let got = Glibc.read(descriptor, &room, min(room.count, count - all.now.count))
                guard got > 0 else { return }
                let piece = room[..<got]
                all.change { $0 += piece }
            }
        }
        await thread.ended()
        return all.now
    }

    @Test("what is written arrives in order, at the pace of the reader")
    func throughPipe() async throws {
        let pipe = try FileDescriptor.pipe()
        let readEnd = pipe.readEnd.raw
        let writer = try SerialWriter.start(pipe.writeEnd.raw, capacity: 4_096)
        let lines = (0..<20_000).map { Array("line \($0)\n".utf8) }
        let writing = Task {
            for line in lines { try await writer.write(line) }
            return await writer.finish(within: .seconds(300))
        }
        let expected = Array(lines.joined())
        #expect(try await taken(expected.count, from: readEnd) == expected)
        #expect(try await writing.value)
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
        #expect(writer.writeNow([0x0A]))
        let expected = [UInt8](repeating: 0x61, count: 200_000) + [0x0A]
        #expect(try await taken(expected.count, from: pipe.readEnd.raw) == expected)
        #expect(await writer.finish(within: .seconds(300)))
    }

    @Test("finishing gives up if the other side reads nothing")
    func stuck() async throws {
        let pipe = try FileDescriptor.pipe()
        let writer = try SerialWriter.start(pipe.writeEnd.raw)
        #expect(writer.writeNow([UInt8](repeating: 0x61, count: 200_000)))
        #expect(await writer.finish(within: .milliseconds(50)) == false)
        #expect(writer.writeNow([0x0A]) == false)
        #expect(try await taken(200_000, from: pipe.readEnd.raw).count == 200_000)
        #expect(await writer.finish(within: .seconds(300)))
    }
}
