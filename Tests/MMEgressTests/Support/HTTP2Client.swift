import Glibc
import MMCore
import MMSystem

@testable import MMEgress

/// An HTTP/2 client on a connection without TLS, and the server's side of it: it sends and reads only what a test says.
final class HTTP2Client: Sendable {
    private let raw: Int32
    private let got = Mutex<[UInt8]>([])
    private let serving: Task<Void, Never>

    /// Starts the connection.
    /// - Parameter first: the bytes sent at once.
    init(
        _ first: HTTP2Frame..., limits: EgressLimits = EgressLimits(), open: OpenCount = OpenCount(limit: 512),
        serve: @escaping @Sendable (HTTP2Stream, HTTP2Connection.Request) async -> Void
    ) async throws {
        Signals.ignoreBrokenPipes()
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw SystemError.error("Making a pair of sockets")
        }
        raw = ends[0]
        // If the expected frames never arrive, the test fails instead of hanging.
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        // After the acknowledgement of the settings, the windows are as they say.
        let beginning = HTTP2Frame.preface + HTTP2Frame(kind: HTTP2Frame.settings, flags: 1).bytes
        let sent = beginning + first.flatMap(\.bytes)
        guard Glibc.send(raw, sent, sent.count, Int32(MSG_NOSIGNAL)) == sent.count else {
            throw SystemError.error("Sending")
        }
        let channel = try WireChannel(FileDescriptor(owning: ends[1]), answerStall: limits.answerStall)
        let connection = try HTTP2Connection(channel, limits: limits, open: open)
        serving = Task {
            await connection.run(beginning: [], serve: serve)
            channel.drop()
        }
    }

    deinit {
        serving.cancel()
        close(raw)
    }

    /// Closes it like the end of its process.
    func leave() { shutdown(raw, Int32(SHUT_RDWR)) }

    /// Waits until the server has ended everything that it did for this client.
    func ended() async { await serving.value }

    /// Sends frames.
    func send(_ frames: HTTP2Frame...) async throws { try await send(frames.flatMap(\.bytes)) }

    /// Sends bytes.
    /// - Throws: if the connection is closed.
    func send(_ bytes: [UInt8]) async throws {
        let raw = raw
        try await BlockingWork.run { () throws(MMError) in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { throw SystemError.error("Sending") }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// All frames received, as soon as they meet a test's condition or no more arrive.
    @discardableResult
    func frames(until isEnough: ([HTTP2Frame]) -> Bool) async throws -> [HTTP2Frame] {
        let raw = raw
        while true {
            let frames = HTTP2Frame.read(got.withLock { $0 })
            if isEnough(frames) { return frames }
            let piece = try await BlockingWork.run { () throws(MMError) in
                var piece = [UInt8](repeating: 0, count: 64 << 10)
                let count = recv(raw, &piece, piece.count, 0)
                return Array(piece.prefix(max(count, 0)))
            }
            guard !piece.isEmpty else { return frames }
            got.withLock { $0 += piece }
        }
    }
}

extension [HTTP2Frame] {
    /// How many bytes of an answer's body have arrived on a stream.
    func bytes(on stream: UInt32) -> Int {
        filter { $0.kind == HTTP2Frame.data && $0.stream == stream }.reduce(0) { $0 + $1.payload.count }
    }

    /// Whether a stream's answer is complete.
    func isComplete(_ stream: UInt32) -> Bool { contains { $0.stream == stream && $0.ends } }

    /// The code with which a stream was reset; nil if it wasn't.
    func reset(of stream: UInt32) -> UInt8? {
        first { $0.kind == HTTP2Frame.reset && $0.stream == stream }?.payload.last
    }
}
