import Glibc

/// Turns an `errno` from a file operation into an error that names the file and the remedy.
enum FileFault {
    /// Returns the error for a failed call.
    /// - Parameters:
    ///   - number: `errno` right after the call.
    ///   - action: what was attempted, such as "read" or "replace".
    ///   - path: the file.
    static func error(_ number: Int32, _ action: String, _ path: String) -> MMError {
        let reason = String(cString: strerror(number))
        let cause = "errno \(number): \(reason)"
        switch number {
        case EROFS:
            return MMError(
                .forbidden, "Can't \(action) \(path): \(reason).",
                hint:
                    "Name a folder that can be written (MM_STATE_DIR, MM_TOKEN_DIR, MM_CONNECTIONS for the registry), or have "
                    + "the file system mounted so.",
                cause: cause)
        case EACCES, EPERM:
            return MMError(
                .forbidden, "Can't \(action) \(path): \(reason).",
                hint: "Check who owns it and its mode: ls -ld \(ShellWord.quoted(path)).", cause: cause)
        case ENOSPC, EDQUOT, EFBIG:
            return MMError(
                .limitExceeded, "Can't \(action) \(path): \(reason).",
                hint: "Nothing was changed. Free some space and try again.", retry: .now, cause: cause)
        case ELOOP:
            return symlink(path)
        case ENOTDIR:
            return MMError(
                .invalidInput, "Can't \(action) \(path): a part of the path is a file, not a folder.",
                hint: "Correct the path.", cause: cause)
        case ENAMETOOLONG:
            return MMError(.invalidInput, "Can't \(action) \(path.prefix(80))…: the path is too long.", cause: cause)
        case EBUSY:
            return MMError(
                .conflict, "Can't \(action) \(path): it is mounted or in use.",
                hint: "A single file that is mounted into a container can't be replaced: mount its folder.",
                cause: cause)
        default:
            return MMError(.internalError, "Can't \(action) \(path): \(reason).", cause: cause)
        }
    }

    /// Refuses a symbolic link where one of the program's own files is expected.
    static func symlink(_ path: String) -> MMError {
        MMError(
            .forbidden,
            "\(path) is a symbolic link; it is not followed, because it may lead into somebody else's file.",
            hint: "Put the file itself there, or name the real file.")
    }

    /// Refuses a file that belongs to another user.
    static func wrongOwner(_ path: String, owner: uid_t) -> MMError {
        MMError(
            .forbidden, "\(path) belongs to user \(owner), not to you (user \(geteuid())).",
            hint: "Use a path of your own, or take it over: chown \(geteuid()) \(ShellWord.quoted(path)).")
    }
}
