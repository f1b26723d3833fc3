import Glibc

/// The end of this process.
package enum ProcessEnd {
    /// Ends the process at once.
    ///
    /// Other threads may be at work, so what libraries do at `exit` must not run: OpenSSL takes apart the locks that
    /// these threads use, and the process would end with a segmentation fault in place of its code.
    /// - Parameter code: the exit code.
    package static func now(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}
