import MMCore
import MMHTTP

/// The body of one request while it is read; it never reads beyond the body's end. For one reader at a time.
final class RequestBodyReader: ClientBody {
    private enum Rest {
        /// The number of missing bytes.
        case bytes(Int)
        /// The first line of a chunk is next; after the first chunk, preceded by the CR LF that ends the one before.
        case chunk(isFirst: Bool)
        /// The number of missing bytes of a chunk.
        case withinChunk(Int)
        case done
        case failed
    }

    private struct State {
        var rest: Rest
        var count = 0
    }

    private static let pieceSize = 64 << 10
    private let input: WireInput
    private let patience: Duration
    private let state: Mutex<State>

    /// Creates the reader of a request's body.
    /// - Parameters:
    ///   - body: how its length is given.
    ///   - input: the connection's input.
    ///   - patience: the timeout for more bytes.
    init(_ body: RequestHead.Body, from input: WireInput, patience: Duration) {
        self.input = input
        self.patience = patience
        let rest: Rest =
            switch body {
            case .none: .done
            case .length(let count): .bytes(count)
            case .chunked: .chunk(isFirst: true)
            }
        state = Mutex(State(rest: rest))
    }

    /// The number of bytes read so far.
    var count: Int { state.withLock { $0.count } }

    /// Whether the body has been read completely, so that another request may follow.
    var isDone: Bool {
        state.withLock { state in
            if case .done = state.rest { return true }
            return false
        }
    }

    /// Returns the next piece; `nil` at the end.
    /// - Throws: `.torn`, `.tooSlow`, `.malformed`.
    func next() async throws(WireFault) -> [UInt8]? {
        do throws(WireFault) {
            let piece = try await step()
            if let piece { state.withLock { $0.count += piece.count } }
            return piece
        } catch {
            state.withLock { $0.rest = .failed }
            throw error
        }
    }

    private func step() async throws(WireFault) -> [UInt8]? {
        while true {
            switch state.withLock({ $0.rest }) {
            case .done: return nil
            case .failed: throw WireFault(400, .torn, "The body could not be read to its end.")
            case .bytes(let missing):
                let piece = try await bytes(missing)
                state.withLock { $0.rest = piece.count == missing ? .done : .bytes(missing - piece.count) }
                return piece
            case .withinChunk(let missing):
                let piece = try await bytes(missing)
                state.withLock {
                    $0.rest = piece.count == missing ? .chunk(isFirst: false) : .withinChunk(missing - piece.count)
                }
                return piece
            case .chunk(let isFirst):
                if !isFirst, !(try await line().isEmpty) { throw Self.badChunk }
                let size = try Self.size(try await line())
                if size == 0 {
                    // Trailers could change the meaning of the request's head.
                    guard try await line().isEmpty else {
                        throw WireFault(400, .malformed, "Trailer fields after a chunked body aren't accepted.")
                    }
                    state.withLock { $0.rest = .done }
                } else {
                    state.withLock { $0.rest = .withinChunk(size) }
                }
            }
        }
    }

    private func bytes(_ missing: Int) async throws(WireFault) -> [UInt8] {
        guard let piece = try await input.piece(upTo: min(missing, Self.pieceSize), patience: patience) else {
            throw WireFault(400, .torn, "The body ended before its announced end.")
        }
        return piece
    }

    private func line() async throws(WireFault) -> [UInt8] {
        try await input.line(upTo: 64, patience: patience)
    }

    /// Returns a chunk's size. Extensions are refused: no client sends them, and readers treat them differently.
    private static func size(_ line: [UInt8]) throws(WireFault) -> Int {
        guard !line.isEmpty, line.count <= 12, line.allSatisfy({ Hex.value(of: $0) != nil }),
            let size = Int(String(decoding: line, as: UTF8.self), radix: 16)
        else { throw badChunk }
        return size
    }

    private static let badChunk = WireFault(
        400, .malformed, "A chunk of the body isn't its size, CR LF, its bytes, CR LF.")
}
