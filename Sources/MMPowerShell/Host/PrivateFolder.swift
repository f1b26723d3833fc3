import Glibc
import MMCore
import MMSystem

/// A folder of a fresh name that only this user may enter, for the script of one start.
final class PrivateFolder: Sendable {
    let path: String

    /// Makes the folder in another one.
    init(in parent: String) throws(MMError) {
        var name = Array((parent + "/start-XXXXXX").utf8CString)
        // mkdtemp makes it 0700 and never follows a name that is taken.
        guard mkdtemp(&name) != nil else { throw SystemError.error("Creating a folder in \(parent)") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A file in it.
    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        unlink(file("bootstrap.ps1"))
        rmdir(path)
    }
}
