import Glibc
package import MMCore

/// Turns the error number of a system call into an error.
package enum SystemError {
    /// Returns the system's message for an error number.
    package static func text(_ number: Int32) -> String {
        var room = [CChar](repeating: 0, count: 256)
        guard strerror_r(number, &room, room.count) == 0 else { return "error \(number)" }
        return String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Returns the error for the current `errno`.
    /// - Parameters:
    ///   - what: the operation that failed, as the start of a sentence.
    ///   - number: the error number.
    package static func error(_ what: String, _ number: Int32 = errno) -> MMError {
        switch number {
        case ENOENT, ENOTDIR:
            MMError(.notFound, "\(what) failed: \(text(number)).")
        case EACCES, EPERM, EROFS:
            MMError(
                .forbidden, "\(what) failed: \(text(number)).", hint: "Check its owner and mode.")
        case EMFILE, ENFILE:
            MMError(
                .unavailable, "\(what) failed: \(text(number)).",
                hint: "Raise the limit of open files (ulimit -n), or close sessions.")
        case ENOSPC, EDQUOT, EFBIG:
            MMError(
                .limitExceeded, "\(what) failed: \(text(number)).", hint: "Free some space and try again.", retry: .now)
        case ENOMEM, EAGAIN:
            MMError(
                .unavailable, "\(what) failed: \(text(number)).", hint: "Close sessions, or free memory.", retry: .now)
        default:
            MMError(.internalError, "\(what) failed: \(text(number)).")
        }
    }
}
