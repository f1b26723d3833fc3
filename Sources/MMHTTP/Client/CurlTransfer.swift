import MMCore
import MMSystem

/// One exchange, as those outside the loop's thread see it.
final class CurlTransfer: Sendable {
    /// What the answer's headers said.
    struct Head: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    /// How the body is delivered.
    enum Delivery: Sendable {
        /// With the head, when all of it is here.
        case whole
        /// Through `next`, while it arrives.
        case streamed
    }

    private struct Buffer {
        var bytes: [UInt8] = []
        var isPaused = false
        var end: Result<Void, HTTPError>?
        var reader: OneShot<Void>?
        var isCancelled = false
    }

    /// Beyond this the server is held back until the reader has caught up.
    private static let highWater = 256 << 10

    let request: HTTPRequest
    let address: HTTPAddress
    /// The proxy that it goes through.
    let proxy: ProxyAddress?
    let delivery: Delivery
    /// The body, where it arrives while it is sent.
    let upload: CurlUpload?
    /// Given once: the head (with the whole body where that was asked for), or why there is none.
    let head = OneShot<Result<Head, HTTPError>>()
    private let buffer = Mutex(Buffer())

    init(request: HTTPRequest, address: HTTPAddress, proxy: ProxyAddress?, delivery: Delivery) {
        self.request = request
        self.address = address
        self.proxy = proxy
        self.delivery = delivery
        upload = request.upload == nil ? nil : CurlUpload()
    }

    /// Whether nobody waits for it any more.
    var isCancelled: Bool { buffer.withLock { $0.isCancelled } }

    /// Ends it for everybody outside; the loop cleans up afterwards.
    func cancel() {
        let reader = buffer.withLock { buffer in
            buffer.isCancelled = true
            buffer.bytes = []
            if buffer.end == nil { buffer.end = .failure(Self.cancelled(request)) }
            defer { buffer.reader = nil }
            return buffer.reader
        }
        head.give(.failure(Self.cancelled(request)))
        upload?.close()
        reader?.give(())
    }

    static func cancelled(_ request: HTTPRequest) -> HTTPError {
        HTTPError(.cancelled, "\(request.method) \(HTTPAddress.withoutQuery(request.url)) was cancelled.")
    }

    /// Takes a piece of a streamed body, on the loop's thread.
    /// - Returns: false when the transfer must pause first; the piece comes again.
    func accept(_ piece: UnsafeRawBufferPointer) -> Bool {
        let (taken, reader): (Bool, OneShot<Void>?) = buffer.withLock { buffer in
            guard buffer.bytes.count < Self.highWater else {
                buffer.isPaused = true
                return (false, nil)
            }
            buffer.bytes.append(contentsOf: piece)
            defer { buffer.reader = nil }
            return (true, buffer.reader)
        }
        reader?.give(())
        return taken
    }

    /// The streamed body has ended, on the loop's thread.
    func finish(_ end: Result<Void, HTTPError>) {
        upload?.close()
        let reader = buffer.withLock { buffer in
            if buffer.end == nil { buffer.end = end }
            defer { buffer.reader = nil }
            return buffer.reader
        }
        reader?.give(())
    }

    /// The next piece of a streamed body.
    /// - Parameter resume: called when the transfer was paused and may go on.
    func next(resume: @Sendable () -> Void) async throws(HTTPError) -> [UInt8]? {
        while true {
            enum Step {
                case piece([UInt8], wasPaused: Bool)
                case end(Result<Void, HTTPError>)
                case wait(OneShot<Void>)
            }
            let step: Step = buffer.withLock { buffer in
                if !buffer.bytes.isEmpty {
                    defer {
                        buffer.bytes = []
                        buffer.isPaused = false
                    }
                    return .piece(buffer.bytes, wasPaused: buffer.isPaused)
                }
                if let end = buffer.end { return .end(end) }
                precondition(buffer.reader == nil, "A body has one reader")
                let turn = OneShot<Void>()
                buffer.reader = turn
                return .wait(turn)
            }
            switch step {
            case .piece(let bytes, let wasPaused):
                if wasPaused { resume() }
                return bytes
            case .end(.success): return nil
            case .end(.failure(let error)): throw error
            case .wait(let turn): await turn.wait()
            }
        }
    }
}
