import MMCore
import MMSystem

/// A terminal that a session keeps: a program's output is shown to all viewers, and kept as a screen for later ones.
///
/// A slow viewer delays nothing: one that falls too far behind gets the current screen instead of the output that it
/// missed.
package final class KeptTerminal: Sendable {
    /// A viewer of the terminal.
    package struct Viewer: Sendable, Hashable {
        fileprivate let number: Int
    }

    fileprivate struct Sight {
        var pending: [UInt8]
        var isBehind = false
        var isLeaving = false
        var waiter: OneShot<Void>?
    }

    private struct State {
        var screen: Screen
        var viewers: [Int: Sight] = [:]
        var next = 0
        var isOver = false
    }

    private let state: Mutex<State>
    /// The number of bytes that may wait for a viewer.
    private let room: Int

    /// Creates an empty terminal.
    package init(_ size: ShellCommand.Size, room: Int = 1 << 20) {
        state = Mutex(State(screen: Screen(rows: size.rows, columns: size.columns)))
        self.room = room
    }

    // MARK: The program's side

    /// Adds output of the program.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        let waiters = state.withLock { state in
            state.screen.write(Array(bytes))
            var waiters: [OneShot<Void>] = []
            for number in state.viewers.keys {
                state.viewers[number]?.take(bytes, room: room)
                if let waiter = state.viewers[number]?.waiter { waiters.append(waiter) }
            }
            return waiters
        }
        for waiter in waiters { waiter.resolve(()) }
    }

    /// Records that the program has ended.
    package func finish() {
        let waiters = state.withLock { state in
            state.isOver = true
            return state.viewers.values.compactMap(\.waiter)
        }
        for waiter in waiters { waiter.resolve(()) }
    }

    // MARK: The viewers' side

    /// Adds a viewer.
    /// - Parameter showsScreen: whether the current screen is shown first.
    package func attach(showsScreen: Bool) -> Viewer {
        state.withLock { state in
            state.next += 1
            state.viewers[state.next] = Sight(pending: showsScreen ? state.screen.redrawing : [])
            return Viewer(number: state.next)
        }
    }

    /// Removes a viewer; the last output that it gets restores its own terminal.
    package func detach(_ viewer: Viewer) {
        let waiter = state.withLock { state in
            state.viewers[viewer.number]?.isLeaving = true
            return state.viewers[viewer.number]?.waiter
        }
        waiter?.resolve(())
    }

    /// Returns the output since the last call, waiting until there is some.
    /// - Returns: `nil` if the viewer has left, the program has ended, or the task was cancelled.
    package func next(_ viewer: Viewer) async -> [UInt8]? {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let (bytes, isOver) = state.withLock { state -> ([UInt8]?, Bool) in
                guard var sight = state.viewers[viewer.number] else { return (nil, true) }
                let isLast = sight.isLeaving || state.isOver
                let bytes = sight.taken(of: state.screen) + (isLast ? state.screen.leaving : [])
                if isLast {
                    state.viewers[viewer.number] = nil
                } else {
                    sight.waiter = bytes.isEmpty ? turn : nil
                    state.viewers[viewer.number] = sight
                }
                return (bytes.isEmpty ? nil : bytes, isLast)
            }
            if let bytes { return bytes }
            if isOver { return nil }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
        state.withLock { _ = $0.viewers.removeValue(forKey: viewer.number) }
        return nil
    }

    /// Changes the size.
    package func resize(_ size: ShellCommand.Size) {
        state.withLock { $0.screen.resize(rows: size.rows, columns: size.columns) }
    }

    /// The current screen.
    package var screen: Screen { state.withLock { $0.screen } }
}

extension KeptTerminal.Sight {
    mutating func take(_ bytes: UnsafeRawBufferPointer, room: Int) {
        guard !isBehind else { return }
        pending += bytes
        guard pending.count > room else { return }
        pending = []
        isBehind = true
    }

    mutating func taken(of screen: Screen) -> [UInt8] {
        defer {
            pending = []
            isBehind = false
        }
        return isBehind ? screen.leaving + screen.redrawing : pending
    }
}
