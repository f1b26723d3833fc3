import CMMSystem
import Glibc
package import MMCore

/// An epoll loop on one thread that waits for many descriptors and calls a handler when one is ready.
///
/// Handlers run on that thread and must not block. Forget a descriptor before closing it.
package final class PollLoop: Sendable {
    /// The events to wait for, and those that occurred.
    package struct Readiness: OptionSet, Sendable {
        /// The epoll event bits.
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// There is something to read, or the input has ended.
        package static let read = Readiness(rawValue: UInt32(MM_EPOLL_READ))
        /// There is room to write.
        package static let write = Readiness(rawValue: UInt32(MM_EPOLL_WRITE))
        /// The peer has closed the connection, or at least shut down its writing side.
        package static let peerClosed = Readiness(rawValue: UInt32(MM_EPOLL_PEER_CLOSED))
    }

    /// A watched descriptor.
    package struct Watch: Sendable, Hashable {
        fileprivate let token: UInt64
        fileprivate let descriptor: Int32
    }

    private struct State {
        var next: UInt64 = 1
        var handlers: [UInt64: @Sendable (Readiness) -> Void] = [:]
    }

    private let epoll: FileDescriptor
    private let state = Mutex(State())

    private static let sharedLoop = Mutex<PollLoop?>(nil)

    private init() throws(MMError) {
        let epoll = mm_epoll_create()
        guard epoll >= 0 else { throw SystemError.error("Creating an epoll descriptor") }
        self.epoll = FileDescriptor(owning: epoll)
    }

    /// Returns the loop shared by all sessions of this process; the first call starts it.
    /// - Throws: `.unavailable` when there is no descriptor or thread left.
    package static func shared() throws(MMError) -> PollLoop {
        let result: Result<PollLoop, MMError> = sharedLoop.withLock { loop in
            if let loop { return .success(loop) }
            do throws(MMError) {
                let started = try PollLoop()
                // Handlers parse JSON, up to 256 levels deep.
                try DedicatedThread.start("mm-poll", stackSize: 4 << 20) { started.run() }
                loop = started
                return .success(started)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Starts watching a descriptor, which must stay open until `forget`.
    /// - Parameters:
    ///   - descriptor: the descriptor.
    ///   - readiness: the events to wait for; empty to wait only for hang-ups and errors.
    ///   - once: whether to call the handler once, and then again only after `rearm`.
    ///   - handler: called on the loop's thread.
    /// - Throws: `.unsupported` for a descriptor that is always ready, such as a file.
    package func watch(
        _ descriptor: Int32, for readiness: Readiness, once: Bool = false,
        _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(MMError) -> Watch {
        let token = state.withLock { state in
            let token = state.next
            state.next += 1
            state.handlers[token] = handler
            return token
        }
        let events = readiness.rawValue | (once ? UInt32(MM_EPOLL_ONCE) : 0)
        guard mm_epoll_control(epoll.raw, Int32(MM_EPOLL_ADD), descriptor, events, token) == 0 else {
            let number = errno
            _ = state.withLock { $0.handlers.removeValue(forKey: token) }
            if number == EPERM {
                throw MMError(
                    .unsupported, "The descriptor \(descriptor) is a file or a folder, which is always ready.")
            }
            throw SystemError.error("Watching descriptor \(descriptor)", number)
        }
        return Watch(token: token, descriptor: descriptor)
    }

    /// Resumes waiting after the handler of a descriptor watched with `once` was called.
    package func rearm(_ watch: Watch, for readiness: Readiness) {
        let events = readiness.rawValue | UInt32(MM_EPOLL_ONCE)
        _ = mm_epoll_control(
            epoll.raw, Int32(MM_EPOLL_CHANGE), watch.descriptor, events, watch.token)
    }

    /// Stops watching. A handler call in progress may still finish.
    package func forget(_ watch: Watch) {
        let known = state.withLock { $0.handlers.removeValue(forKey: watch.token) != nil }
        if known { _ = mm_epoll_control(epoll.raw, Int32(MM_EPOLL_REMOVE), watch.descriptor, 0, 0) }
    }

    private func run() {
        var events = [mm_epoll_event](repeating: mm_epoll_event(), count: 64)
        while true {
            let count = mm_epoll_wait(epoll.raw, &events, Int32(events.count), -1)
            if count < 0, errno != EINTR { return }
            for event in events.prefix(Int(max(count, 0))) {
                // Look up by token rather than by descriptor: the number may already refer to another file.
                let handler = state.withLock { $0.handlers[event.token] }
                handler?(Readiness(rawValue: event.events))
            }
        }
    }
}
