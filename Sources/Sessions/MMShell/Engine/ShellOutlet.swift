import MMCore
import MMSystem

/// A part of a command's output.
package struct ShellPiece: Sendable, Hashable {
    /// The stream it was written to.
    package var stream: ShellCommand.Stream
    /// The bytes.
    package var bytes: [UInt8]

    /// Creates a part.
    fileprivate init(_ stream: ShellCommand.Stream, _ bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }
}

/// The output that a command's single reader has not taken yet. If too much accumulates, no more of the command's
/// output is read, and the command has to wait as it does with a full pipe.
final class ShellOutlet: Sendable {
    private struct State {
        var pieces: [ShellPiece] = []
        var size = 0
        var reader: OneShot<Void>?
        var held: [@Sendable () -> Void] = []
        /// Whether no more output will come.
        var isOver = false
        /// Whether the reader has stopped reading the output.
        var isForsaken = false
        /// Whether the command has been asked to stop: it must not wait for its reader.
        var isStopping = false
        var dropped = 0
    }

    private let room: Int
    private let state = Mutex(State())

    /// Pieces up to this size are joined.
    private static let pieceSize = 32 << 10

    /// Creates an empty outlet.
    /// - Parameter room: the number of bytes that may wait.
    init(room: Int) { self.room = room }

    /// The number of bytes dropped since the command was asked to stop.
    var dropped: Int { state.withLock { $0.dropped } }

    /// Adds output of the command.
    func put(_ stream: ShellCommand.Stream, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        let reader = state.withLock { state -> OneShot<Void>? in
            guard !state.isForsaken, !state.isOver else { return nil }
            if state.isStopping, state.size >= room {
                state.dropped += bytes.count
                return nil
            }
            let last = state.pieces.count - 1
            if last >= 0, state.pieces[last].stream == stream,
                state.pieces[last].bytes.count + bytes.count <= Self.pieceSize
            {
                state.pieces[last].bytes.append(contentsOf: bytes)
            } else {
                state.pieces.append(ShellPiece(stream, Array(bytes)))
            }
            state.size += bytes.count
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resolve(())
    }

    /// Returns whether reading the command's output has to pause now.
    /// - Parameter resume: called once, as soon as there is room again; not called if the result is `false`.
    func holds(_ resume: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.size >= room, !state.isForsaken, !state.isStopping else { return false }
            state.held.append(resume)
            return true
        }
    }

    /// Whether reading is paused.
    var isHolding: Bool { state.withLock { !$0.held.isEmpty } }

    /// Returns the output since the last call; waits until there is some.
    /// - Returns: `nil` at the end, and if the waiting task was cancelled.
    func take() async -> [ShellPiece]? {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let (pieces, held): ([ShellPiece]?, [@Sendable () -> Void]) = state.withLock { state in
                guard state.pieces.isEmpty else {
                    defer {
                        state.pieces = []
                        state.size = 0
                        state.held = []
                    }
                    return (state.pieces, state.held)
                }
                if state.isOver { return ([], []) }
                state.reader = turn
                return (nil, [])
            }
            for resume in held { resume() }
            if let pieces { return pieces.isEmpty ? nil : pieces }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
        return nil
    }

    /// Ends the output.
    func finish() { change { $0.isOver = true } }

    /// Records that the command is being stopped: it no longer waits for the reader.
    func stop() { change { $0.isStopping = true } }

    /// Ends reading: the command continues without a reader.
    func forsake() {
        change { state in
            state.isForsaken = true
            state.pieces = []
            state.size = 0
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let (reader, held) = state.withLock { state in
            body(&state)
            defer {
                state.reader = nil
                state.held = []
            }
            return (state.reader, state.held)
        }
        reader?.resolve(())
        for resume in held { resume() }
    }
}
