import Glibc
import MMCore
import MMSystem

/// A folder of a fresh name that only this user may enter, for the socket and the script of one start.
final class PrivateFolder: Sendable {
    let path: String

    /// Makes the folder.
    /// - Parameter parent: where; `/tmp` is taken where it isn't there.
    init(in parent: String) throws(MMError) {
        var made: String?
        for place in [parent, "/tmp"] where made == nil {
            var name = Array((place + "/mm-ps-XXXXXX").utf8CString)
            // mkdtemp makes it 0700 and never follows a name that is taken.
            if mkdtemp(&name) != nil {
                made = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        guard let made else { throw SystemError.error("Making a folder in \(parent)") }
        path = made
    }

    /// A file in it.
    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        for name in ["wire", "wire.lock", "bootstrap.ps1"] { unlink(path + "/" + name) }
        rmdir(path)
    }
}
