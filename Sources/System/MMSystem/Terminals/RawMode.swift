import CMMSystem
import Glibc
package import MMCore

/// Switches a terminal to raw mode, in which every key is delivered as it is pressed and every byte is shown as
/// written, for the lifetime of this value. Used to pass a session through whose own terminal has already translated
/// the line ends.
package struct RawMode: ~Copyable, @unchecked Sendable {
    // `@unchecked Sendable`: the memory is written only in `init` and read only in `deinit`, neither of which runs
    // concurrently.
    private let saved: UnsafeMutableRawPointer
    private let descriptor: Int32

    /// Switches a terminal to raw mode.
    /// - Parameter descriptor: the terminal, which the caller keeps and which must outlive this value.
    /// - Throws: `.unavailable` when it isn't a terminal.
    package init(_ descriptor: Int32) throws(MMError) {
        let saved = UnsafeMutableRawPointer.allocate(byteCount: mm_terminal_mode_size(), alignment: 16)
        guard mm_terminal_quiet(descriptor, 1, saved) == 0 else {
            saved.deallocate()
            throw MMError(.unavailable, "This isn't a terminal.", hint: "Run this in a terminal.")
        }
        self.saved = saved
        self.descriptor = descriptor
    }

    deinit {
        _ = mm_terminal_restore(descriptor, saved)
        saved.deallocate()
    }
}
