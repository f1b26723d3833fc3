import Glibc
import MMCore
import MMSystem

/// The folder in which a wire keeps what those behind it must be able to read.
enum PrivateFolder {
    /// Makes one that only this user may enter.
    static func make(_ prefix: String, in parent: String) throws(MMError) -> String {
        var name = Array((parent + "/\(prefix)XXXXXX").utf8CString)
        // mkdtemp makes it 0700 and never follows a name that is taken.
        guard mkdtemp(&name) != nil else { throw SystemError.error("Creating a folder in \(parent)") }
        return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it, once the wire is closed.
    static func remove(_ folder: String) {
        // The wire has removed what it had in the folder within.
        rmdir(folder + "/trust")
        rmdir(folder)
    }
}
