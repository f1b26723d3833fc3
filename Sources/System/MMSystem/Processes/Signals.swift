import CMMSystem
import Glibc
package import MMCore

/// Delivers this process's signals as ordinary calls.
package final class Signals: Sendable {
    private let descriptor: FileDescriptor
    private let watch: PollLoop.Watch
    private let loop: PollLoop

    /// Makes writing to a closed pipe return an error instead of ending this process. Children get the default
    /// disposition back. A handler of the program's own stays, since with one the process doesn't end either.
    package static func ignoreBrokenPipes() {
        mm_ignore_by_default(SIGPIPE)
    }

    /// Takes over signals. Call it before anything starts a thread or a task, because only threads started afterwards
    /// block these signals.
    /// - Parameters:
    ///   - signals: the signals, such as `SIGTERM`, `SIGINT`, `SIGHUP`.
    ///   - handler: called for each signal, on a thread that must not be blocked.
    /// - Throws: `.unavailable` when there is no descriptor or thread left.
    package static func handle(
        _ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void
    ) throws(MMError) -> Signals {
        mm_block_signals(signals, Int32(signals.count), 1)
        let raw = mm_signal_descriptor(signals, Int32(signals.count))
        guard raw >= 0 else { throw SystemError.error("Creating a signal descriptor") }
        let descriptor = FileDescriptor(owning: raw)
        let loop = try PollLoop.shared()
        let watch = try loop.watch(raw, for: .read) { _ in
            while true {
                let signal = mm_next_signal(raw)
                if signal == 0 { return }
                handler(signal)
            }
        }
        return Signals(descriptor: descriptor, watch: watch, loop: loop)
    }

    private init(descriptor: consuming FileDescriptor, watch: PollLoop.Watch, loop: PollLoop) {
        self.descriptor = descriptor
        self.watch = watch
        self.loop = loop
    }

    deinit { loop.forget(watch) }
}
