import CMMSystem
import Glibc
package import MMCore

/// A terminal that hands over every key as it is pressed, until this value goes: for passing a session through.
package struct RawMode: ~Copyable, @unchecked Sendable {
    // The memory is written in `init` and read in `deinit`, which have nothing beside them.
    private let saved: UnsafeMutableRawPointer
    private let descriptor: Int32

    /// Switches a terminal over.
    /// - Parameter descriptor: the terminal, which stays the caller's and must outlive this value.
    /// - Throws: `.unavailable` when it is no terminal.
    package init(_ descriptor: Int32) throws(MMError) {
        let saved = UnsafeMutableRawPointer.allocate(byteCount: mm_terminal_mode_size(), alignment: 16)
        guard mm_terminal_quiet(descriptor, 1, saved) == 0 else {
            saved.deallocate()
            throw MMError(.unavailable, "This is no terminal.", hint: "Run this in a terminal.")
        }
        self.saved = saved
        self.descriptor = descriptor
    }

    deinit {
        _ = mm_terminal_restore(descriptor, saved)
        saved.deallocate()
    }
}
