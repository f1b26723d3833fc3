import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Descriptors without a thread", .timeLimit(.minutes(5)))
struct PolledDescriptorsTests {
    @Test("a connection is accepted, works in both directions, and ends on both sides")
    func connection() async throws {
        let folder = try TestFolder()
        let listener = try PolledListener(UnixSocket.listen(at: folder.path + "/a.sock"))
        async let accepted = listener.accept().release()
        let client = try UnixSocket.connect(to: folder.path + "/a.sock")
        let server = FileDescriptor(owning: try await accepted)
        #expect(try UnixSocket.peer(of: server.raw).pid == getpid())
        let writer = try PolledWriter(try client.duplicate())
        let reader = try PolledReader(server)
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        async let writing: Void = writer.write(bytes)
        var seen: [UInt8] = []
        while seen.count < bytes.count, let piece = try await reader.read(upTo: 10_000) {
            #expect(piece.count <= 10_000)
            seen += piece
        }
        try await writing
        #expect(seen == bytes)
        shutdown(client.raw, Int32(SHUT_RDWR))
        #expect(try await reader.read() == nil)
        listener.close()
        #expect(access(folder.path + "/a.sock", F_OK) != 0)
        let late = await failure { () async throws(MMError) in try await listener.accept().release() }
        #expect(late?.code == .unavailable)
    }

    @Test(
        "accepting goes on when descriptors are used up for a moment, and ends with its listener",
        arguments: [
            (EMFILE, true), (ENFILE, true), (ENOMEM, true), (ENOBUFS, true), (EPROTO, true), (EBADF, false),
            (EINVAL, false), (ENOTSOCK, false),
        ])
    func acceptingLater(error: Int32, goesOn: Bool) {
        #expect(PolledListener.mayPass(error) == goesOn)
    }

    @Test("waiting ends by cancellation and by closing")
    func waiting() async throws {
        let (left, right) = try FileDescriptor.socketPair().ends()
        let reader = try PolledReader(FileDescriptor(owning: left))
        let writer = try PolledWriter(FileDescriptor(owning: right))
        let cancelled = Task { await failure { () async throws(MMError) in try await reader.read() } }
        try await Task.sleep(for: .milliseconds(10))
        cancelled.cancel()
        #expect(await cancelled.value?.code == .cancelled)
        let stuck = Task {
            await failure { () async throws(MMError) in try await writer.write([UInt8](repeating: 1, count: 10 << 20)) }
        }
        try await Task.sleep(for: .milliseconds(10))
        stuck.cancel()
        #expect(await stuck.value?.code == .cancelled)
        while mm_pending_input(left) > 0 { #expect(try await reader.read() != nil) }
        let closed = Task { try await reader.read() }
        try await Task.sleep(for: .milliseconds(10))
        reader.close()
        #expect(try await closed.value == nil)
        // A program that another test is starting has a copy of the other end until it runs.
        #expect(
            await eventually {
                await failure { () async throws(MMError) in try await writer.write([1]) }?.code == .unavailable
            })
        writer.close()
        #expect(await failure { () async throws(MMError) in try await writer.write([1]) }?.code == .unavailable)
    }

    @Test("a writer that waits for another one ends by cancellation, and the one behind it writes")
    func queuedWriter() async throws {
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        let reader = try PolledReader(FileDescriptor(owning: readEnd))
        let writer = try PolledWriter(FileDescriptor(owning: writeEnd))
        let first = Task { try await writer.write([UInt8](repeating: 1, count: 1 << 20)) }
        #expect(await eventually { mm_pending_input(readEnd) > 0 })
        let second = Task { await failure { () async throws(MMError) in try await writer.write([2]) } }
        let third = Task {
            try await writer.write([3])
            writer.close()
        }
        second.cancel()
        #expect(await second.value?.code == .cancelled)
        var seen: [UInt8] = []
        while let piece = try await reader.read() { seen += piece }
        try await first.value
        try await third.value
        #expect(seen.count == 1 << 20 + 1)
        #expect(seen.last == 3)
    }

    @Test("a peer that is gone is an error")
    func gone() async throws {
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        let writer = try PolledWriter(FileDescriptor(owning: writeEnd))
        close(readEnd)
        let error = await failure { () async throws(MMError) in try await writer.write([1]) }
        #expect(error?.message == "The peer has closed the connection.")
    }

    @Test("frames of several writers aren't mixed")
    func writers() async throws {
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        let reader = try PolledReader(FileDescriptor(owning: readEnd))
        let writer = try PolledWriter(FileDescriptor(owning: writeEnd))
        let writing = Task {
            await withTaskGroup(of: Void.self) { group in
                for number in UInt8(0)..<20 {
                    group.addTask { try? await writer.write([UInt8](repeating: number, count: 100_000)) }
                }
            }
            writer.close()
        }
        var seen: [UInt8] = []
        while let piece = try await reader.read() { seen += piece }
        await writing.value
        #expect(seen.count == 2_000_000)
        let frames = stride(from: 0, to: seen.count, by: 100_000).map { Set(seen[$0..<($0 + 100_000)]) }
        #expect(frames.allSatisfy { $0.count == 1 })
        #expect(Set(frames.flatMap { $0 }).count == 20)
    }

    @Test("a file is read like a pipe")
    func file() async throws {
        let reader = try PolledReader(try FileDescriptor.open("/proc/self/comm", O_RDONLY))
        #expect(try await reader.read()?.isEmpty == false)
        #expect(try await reader.read() == nil)
    }

    @Test("hundreds of readers wait at once and each gets its own")
    func manyReaders() async throws {
        var ends: [Int32] = []
        var readers: [Task<[UInt8]?, any Error>] = []
        for _ in 0..<300 {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            ends.append(writeEnd)
            let reader = try PolledReader(FileDescriptor(owning: readEnd))
            readers.append(Task { try await reader.read() })
        }
        for (number, end) in ends.enumerated() {
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(end, &byte, 1)
        }
        for (number, reader) in readers.enumerated() {
            #expect(try await reader.value == [UInt8(truncatingIfNeeded: number)])
        }
        for end in ends { close(end) }
    }
}
